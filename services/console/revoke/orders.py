"""Orders that were given, and what came of each credential, as the database has them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from counterfoil.contracts.revocation_requested import Actor, Predicate
from counterfoil_server.runtime.store.database import Pool
from services.console.gateway import Refused
from services.console.revoke import predicate as predicates

COLUMNS = "id, actor, predicate, cause, at, accepted, ordered_at"
ONE = f"SELECT {COLUMNS} FROM revocation_order WHERE id = $1"  # noqa: S608 - no input stands in it
PAGE = f"""SELECT {COLUMNS} FROM revocation_order WHERE $1::timestamptz IS NULL OR (at, id) < ($1, $2::uuid)
    ORDER BY at DESC, id DESC LIMIT $3"""  # noqa: S608 - no input stands in it
ROWS = """SELECT r.credential_id, r.attempts, r.last_error, r.next_at, m.state, m.connector, m.class, m.project, m.environment, m.expires_at,
    m.ends_by_itself FROM revocation r JOIN mint m ON m.credential_id = r.credential_id"""
OF_ORDER = f"{ROWS} WHERE r.order_id = $1 AND ($2::uuid IS NULL OR r.credential_id > $2) ORDER BY r.credential_id LIMIT $3"
# What the log says of their ends: the leaves about each, of which the last that settles it counts.
LEAVES = "SELECT a.id, l.idx, l.bytes FROM audit_about a JOIN audit_leaf l ON l.idx = a.idx WHERE a.id = ANY($1::uuid[]) ORDER BY l.idx"
ORDER_LEAF = "SELECT idx FROM audit_leaf WHERE fact_id = $1 ORDER BY idx LIMIT 1"
SETTLED = frozenset({"credential.revoked", "revocation.stuck", "revocation.uncertain"})
WORDS = {
    "revoked": "ended at the provider, read back",
    "already_gone": "was gone at the provider already",
    "expired": "its time was up",
    "stuck": "the provider has not confirmed it: tried on",
    "uncertain": "nobody can end it before its time",
}


@dataclass(frozen=True, slots=True)
class Order:
    """`stop`: what it left standing, in words; empty where it left nothing. `live`: how many were alive when it was accepted."""

    id: UUID
    actor: Actor
    predicate: Predicate
    cause: str
    at: datetime
    stop: str
    live: int
    ordered_at: datetime | None

    @property
    def said(self) -> list[tuple[str, str]]:
        return predicates.said(self.predicate)


@dataclass(frozen=True, slots=True)
class Credential:
    """`index`: the leaf that says how it ended, where there is one yet."""

    id: UUID
    connector: str
    project: str
    environment: str
    outcome: str
    words: str
    at: str
    index: int | None


async def one(db: Pool, order_id: UUID) -> Order:
    """Raises Refused."""
    row = await db.fetchrow(ONE, order_id)
    if row is None:
        raise Refused(404, {"code": "not_found", "message": "there is no such order", "fix": "choose one of the list of orders"})
    return order(row)


async def page(db: Pool, after: tuple[datetime, UUID] | None, most: int) -> list[Order]:
    """The newest first."""
    return [order(row) for row in await db.fetch(PAGE, *(after or (None, None)), most)]


def order(row: Mapping[str, Any]) -> Order:
    actor, predicate = Actor.model_validate(row["actor"]), Predicate.model_validate(row["predicate"])
    accepted = row["accepted"]
    stop = f"connector {accepted['fenced']} is fenced" if "fenced" in accepted else f"block {accepted['blocked']}" if "blocked" in accepted else ""
    return Order(row["id"], actor, predicate, row["cause"], row["at"], stop, accepted.get("live", 0), row["ordered_at"])


async def leaf_of(db: Pool, order_id: UUID) -> int | None:
    """Where the order itself stands in the log."""
    found: int | None = await db.fetchval(ORDER_LEAF, order_id)
    return found


async def credentials(db: Pool, order_id: UUID, after: UUID | None, most: int) -> list[Credential]:
    """In the order of their names."""
    rows = await db.fetch(OF_ORDER, order_id, after, most)
    ends = settled(await db.fetch(LEAVES, [row["credential_id"] for row in rows]))
    return [credential(row, ends.get(row["credential_id"])) for row in rows]


def settled(leaves: Sequence[Mapping[str, Any]]) -> dict[UUID, tuple[int, Mapping[str, Any]]]:
    found = {}
    for row in leaves:
        fact = json.loads(row["bytes"])["fact"]
        if fact["kind"] in SETTLED:
            found[row["id"]] = (row["idx"], fact)
    return found


def credential(row: Mapping[str, Any], end: tuple[int, Mapping[str, Any]] | None) -> Credential:
    """What the log says goes before what the ledger has: only that can be proven."""
    index, fact = end or (None, {})
    outcome = str(fact.get("outcome", row["state"]))
    return Credential(
        row["credential_id"], row["connector"], row["project"], row["environment"], outcome,
        WORDS.get(outcome, "not settled yet") if end else "not in the log yet", str(fact.get("at", "")), index,
    )  # fmt: skip
