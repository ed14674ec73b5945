"""What the limits of a batch have been used by, counted once and kept up while the batch is decided."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from counterfoil_server.domain.limits import MINUTE, Cap, Reached, Use, reached
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import Connection

USE = """
    SELECT count(*) FILTER (WHERE alive) AS live, count(*) FILTER (WHERE sent_at > $6) AS minute,
        min(sent_at) FILTER (WHERE sent_at > $6) AS oldest, min(expires_at) FILTER (WHERE alive) AS next_end
    FROM (SELECT sent_at, expires_at, state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain') AS alive FROM mint
        WHERE connector = $1 AND ($2::text IS NULL OR project = $2) AND ($3::text[] IS NULL OR environment = ANY($3))
        AND ($4::text IS NULL OR issuer = $4) AND ($5::text IS NULL OR sub_hash = $5)
        AND (state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain') OR (sent_at > $6 AND state <> 'failed'))) counted
"""


class Tally:
    def __init__(self, uses: dict[Cap, Use], now: datetime) -> None:
        self._uses, self._now = uses, now

    def reached(self, caps: Iterable[Cap]) -> Reached | None:
        return next((found for cap in caps if (found := reached(cap, self._uses[cap], self._now))), None)

    def add(self, caps: Iterable[Cap], expires: datetime) -> None:
        for cap in caps:
            use = self._uses[cap]
            use.live, use.minute = use.live + 1, use.minute + 1
            use.oldest, use.next_end = use.oldest or self._now, min(use.next_end or expires, expires)


async def tally(db: Connection, caps: Iterable[Cap], ids: Sequence[int], now: datetime) -> Tally:
    """Inside a transaction that holds the connectors; until its end nobody else counts or adds to these."""
    wanted = set(caps)
    if wanted:
        await locks.count(db, ids)
    uses = {}
    for cap in wanted:
        environments = None if cap.environments is None else sorted(cap.environments)
        row = await db.fetchrow(USE, cap.connector, cap.project, environments, cap.issuer, cap.sub_hash, now - MINUTE)
        uses[cap] = Use(row["live"], row["minute"], row["oldest"], row["next_end"])
    return Tally(uses, now)
