"""How far a revocation has come, each time it gets there: seconds since its end was ordered."""

from datetime import UTC, datetime
from typing import Final, Literal

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import histogram, meter

Phase = Literal["accepted", "ordered", "confirmed", "evicted"]
SINCE: Final = "ordered-at"
"""The header beside revocation.settled by which whoever hears of it knows how long it took."""
_TOOK = histogram(meter(), names.REVOCATION_DURATION)


def reached(phase: Phase, *since: datetime) -> None:
    """One for each credential."""
    now = datetime.now(UTC)
    for one in since:
        _TOOK.record(max(0.0, (now - one).total_seconds()), {names.BY_PHASE: phase})


def heard(header: bytes | None) -> None:
    try:
        since = datetime.fromisoformat((header or b"").decode("ascii"))
    except ValueError:
        return
    if since.tzinfo is not None:
        reached("evicted", since)
