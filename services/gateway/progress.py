"""How far an order to revoke has come: `accepted` until every credential it concerns is settled, or listed as stuck or uncertain."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from counterfoil.contracts.revocation_requested import Actor, Predicate
from counterfoil_server.runtime.store.database import Pool
from services.gateway.ledger import DEAD, MATCHING, values

ORDER = "SELECT id, actor, predicate, cause, at, ordered_at FROM revocation_order"
PAGE = f"""{ORDER} WHERE ($1::text IS NULL OR (actor->>'issuer' = $1 AND actor->>'sub_hash' = $2))
    AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::uuid)) ORDER BY at DESC, id DESC LIMIT $5"""
SKEW = "5 seconds"
LISTED = 1000
# What the order ended, and what is alive of what it names: an intent that began before the order falls under it too.
CONCERNED = f"""WITH concerned AS (
    SELECT m.credential_id, m.state, m.expires_at, m.window_closes_at FROM revocation r JOIN mint m USING (credential_id) WHERE r.order_id = $10
    UNION
    SELECT credential_id, state, expires_at, window_closes_at FROM mint WHERE state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain')
        AND sent_at <= $11::timestamptz + interval '{SKEW}' AND {MATCHING})"""  # noqa: S608 - no input stands in it
COUNTS = f"{CONCERNED} SELECT state, count(*) AS number FROM concerned GROUP BY state"  # noqa: S608 - as above
LEFT = f"{CONCERNED} SELECT credential_id, state, expires_at FROM concerned WHERE state IN ('stuck', 'uncertain') ORDER BY expires_at LIMIT $12"  # noqa: S608 - as above
# A clock that stands still for the statement: by one that goes on no index finds anything.
OPEN_WINDOWS = f"""SELECT EXISTS (SELECT FROM mint WHERE state IN ('minting', 'failed') AND window_closes_at > statement_timestamp()
    AND sent_at <= $10::timestamptz + interval '{SKEW}' AND {MATCHING})"""  # noqa: S608 - no input stands in it


@dataclass(frozen=True, slots=True)
class Order:
    id: UUID
    actor: Actor
    predicate: Predicate
    cause: str
    at: datetime
    ordered: bool


class Progress:
    def __init__(self, db: Pool) -> None:
        self._db = db

    async def order(self, order_id: UUID) -> Order | None:
        row = await self._db.fetchrow(f"{ORDER} WHERE id = $1", order_id)
        return None if row is None else read(row)

    async def page(self, actor: Actor | None, after: tuple[Any, ...] | None, limit: int) -> list[Order]:
        """The newest first; `actor`: whose alone."""
        at, last = after or (None, None)
        whose = (None, None) if actor is None else (actor.issuer, actor.sub_hash)
        return [read(row) for row in await self._db.fetch(PAGE, *whose, at, last, limit)]

    async def of(self, order: Order) -> dict[str, Any]:
        """`revoked` also waits for requests on the wire: one may still take effect at the provider until its window closes."""
        about = [*values(order.predicate), order.id, order.at]
        counts = Counter({row["state"]: row["number"] for row in await self._db.fetch(COUNTS, *about)})
        live = counts["minting"] + counts["active"] + counts["revoking"]
        waits = not order.ordered or live > 0 or await self._db.fetchval(OPEN_WINDOWS, *values(order.predicate), order.at)
        left = await self._db.fetch(LEFT, *about, LISTED) if counts["stuck"] + counts["uncertain"] else []
        return shown(order, counts, live, left) | {"state": "accepted" if waits else "revoked"}


def read(row: Mapping[str, Any]) -> Order:
    actor, predicate = Actor.model_validate(row["actor"]), Predicate.model_validate(row["predicate"])
    return Order(row["id"], actor, predicate, row["cause"], row["at"], row["ordered_at"] is not None)


def shown(order: Order, counts: Mapping[str, int], live: int, left: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    gone = sum(counts[state] for state in DEAD)
    return {
        "id": str(order.id), "cause": order.cause, "at": order.at.isoformat(),
        "predicate": order.predicate.model_dump(mode="json", exclude_none=True),
        "counts": {"live": live, "revoked": gone, "stuck": counts["stuck"], "uncertain": counts["uncertain"]},
        "left": [{"credential_id": str(row["credential_id"]), "state": row["state"], "expires_at": row["expires_at"].isoformat()} for row in left],
    }  # fmt: skip
