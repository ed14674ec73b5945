"""How far an order has come: the gateway's counts, and by name whatever does not go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.console.gateway import Refused
from services.console.operator import Operator
from services.console.revoke.orders import ROWS, Credential, Order
from services.console.site import Site

BY_NAME = f"{ROWS} WHERE r.credential_id = ANY($1::uuid[]) ORDER BY m.expires_at"
TRIED = f"{ROWS} WHERE r.order_id = $1 AND r.last_error IS NOT NULL AND m.state = 'revoking' ORDER BY r.next_at LIMIT $2"
TOLD = "SELECT count(*) FROM revocation WHERE order_id = $1 AND state = 'confirmed' AND published_at IS NOT NULL"
NAMED = 50
WAITED_FOR = frozenset({429, 502, 503, 504})
NOT_YET: Mapping[str, int] = {"live": 0, "revoked": 0, "stuck": 0, "uncertain": 0}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that is not dead yet, and why."""

    credential_id: UUID
    connector: str
    where: str
    state: str
    why: str
    next_at: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """`told`: of how many the end was announced. `away`: why the gateway could not say, in which case it is asked again."""

    state: str
    counts: Mapping[str, int]
    told: int
    waiting: Sequence[Waiting]
    unnamed: int
    away: str = ""

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def settled(self) -> bool:
        return self.state == "revoked"

    @property
    def left(self) -> int:
        return self.counts["stuck"] + self.counts["uncertain"]

    def again(self, credentials: Sequence[Credential]) -> str:
        """How soon to look again; empty where nothing more will come. A leaf comes a moment after the end that it tells of."""
        if not self.settled:
            return "1s"
        if self.left:
            return "5s"
        return "2s" if self.told < self.counts["revoked"] or any(one.index is None for one in credentials) else ""


async def of(site: Site, operator: Operator, order: Order) -> Progress:
    """Raises Refused, but not where asking again may help: whoever watches goes on watching."""
    try:
        found = await site.gateway.get(operator, f"/v1/revocations/{order.id}")
    except Refused as no:
        if no.status not in WAITED_FOR:
            raise
        return Progress("accepted", NOT_YET, 0, (), 0, away=no.message)
    left = [UUID(one["credential_id"]) for one in found["left"]]
    rows = await site.db.fetch(BY_NAME, left[:NAMED]) if left else []
    tried = await site.db.fetch(TRIED, order.id, NAMED - len(rows)) if found["counts"]["live"] else []
    told = await site.db.fetchval(TOLD, order.id)
    return Progress(found["state"], found["counts"], told, [waiting(row) for row in (*rows, *tried)], max(0, len(left) - NAMED))


def waiting(row: Mapping[str, Any]) -> Waiting:
    endless = row["state"] == "uncertain"
    return Waiting(
        row["credential_id"], row["connector"], f"{row['project']} / {row['environment']}", row["state"], why(row),
        None if endless else row["next_at"], row["expires_at"] if endless or row["ends_by_itself"] else None,
    )  # fmt: skip


def why(row: Mapping[str, Any]) -> str:
    if row["state"] == "uncertain":
        return f"it cannot be ended before its time ({row['last_error'] or row['class'].replace('_', ' ')})"
    return f"{row['last_error'] or 'no answer yet'}, after {row['attempts']} tries"
