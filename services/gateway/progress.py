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

ORDER = "SELECT id, actor, predicate, cause, at, accepted, ordered_at FROM revocation_order"
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
EACH = """SELECT c.credential_id, m.connector, m.project, m.environment, c.state, c.expires_at, r.attempts, r.last_error, r.next_at,
    convert_from(r.settled, 'UTF8')::jsonb ->> 'outcome' AS outcome
    FROM concerned c JOIN mint m USING (credential_id) LEFT JOIN revocation r USING (credential_id)"""
LEFT = f"{CONCERNED} {EACH} WHERE c.state IN ('stuck', 'uncertain') ORDER BY c.expires_at LIMIT $12"
OUTCOMES = f"{CONCERNED} {EACH} WHERE $12::uuid IS NULL OR c.credential_id > $12 ORDER BY c.credential_id LIMIT $13"
# A clock that stands still for the statement: by one that goes on no index finds anything. Where what was sent ends by the provider's clock, and
# nothing there can be looked up by its name, that clock may be a minute behind ours.
OPEN_WINDOWS = f"""SELECT EXISTS (SELECT FROM mint WHERE state IN ('minting', 'failed')
    AND window_closes_at > statement_timestamp() - interval '60 seconds'
    AND (class IN ('by_possession', 'by_principal') OR window_closes_at > statement_timestamp())
    AND sent_at <= $10::timestamptz + interval '{SKEW}' AND {MATCHING})"""  # noqa: S608 - no input stands in it


@dataclass(frozen=True, slots=True)
class Order:
    id: UUID
    actor: Actor
    predicate: Predicate
    cause: str
    at: datetime
    accepted: Mapping[str, Any]
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

    async def outcomes(self, order: Order, after: UUID | None, limit: int) -> list[dict[str, Any]]:
        """What has come of each, in the order of their names."""
        return [outcome(row) for row in await self._db.fetch(OUTCOMES, *values(order.predicate), order.id, order.at, after, limit)]


def read(row: Mapping[str, Any]) -> Order:
    actor, predicate = Actor.model_validate(row["actor"]), Predicate.model_validate(row["predicate"])
    return Order(row["id"], actor, predicate, row["cause"], row["at"], row["accepted"], row["ordered_at"] is not None)


def shown(order: Order, counts: Mapping[str, int], live: int, left: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    gone = sum(counts[state] for state in DEAD)
    return {
        "id": str(order.id), "cause": order.cause, "at": order.at.isoformat(),
        "predicate": order.predicate.model_dump(mode="json", exclude_none=True),
        "counts": {"live": live, "revoked": gone, "stuck": counts["stuck"], "uncertain": counts["uncertain"]},
        "accepted": {**order.accepted, "at": order.at.isoformat()},
        "left": [outcome(row) for row in left],
    }  # fmt: skip


def outcome(row: Mapping[str, Any]) -> dict[str, Any]:
    """`why` and `next_at`: of what is not dead, the code of the last try that failed, and when the next is due."""
    state = row["state"]
    said = row["outcome"] if state == "revoked" and row["outcome"] == "already_gone" else state
    found = {name: row[name] for name in ("connector", "project", "environment")}
    found |= {"credential_id": str(row["credential_id"]), "state": state, "outcome": said, "expires_at": row["expires_at"].isoformat()}
    if row["attempts"] is None or state in DEAD:
        return found
    return found | {"tries": row["attempts"], "why": row["last_error"], "next_at": row["next_at"].isoformat()}
