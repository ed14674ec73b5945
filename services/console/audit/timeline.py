"""All that the log has about one request or one credential, from being asked to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from counterfoil.contracts.base import named
from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import CredentialMinted
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil_server.runtime.store.database import Pool
from services.console.audit.leaves import Leaf, leaf

MOST = 200
STAGES = (IdentityVerified.stage, GrantApproved.stage, CredentialMinted.stage)
# A credential's leaves begin before it was one: with its exchange's, whose ids follow from the request's hash.
ABOUT = """SELECT idx, bytes FROM audit_leaf WHERE idx IN (
        SELECT idx FROM audit_about WHERE id = ANY($1::uuid[]) UNION SELECT idx FROM audit_leaf WHERE fact_id = ANY($2::uuid[])
    ) ORDER BY idx LIMIT $3"""
REQUEST_HASH = "SELECT request_hash FROM mint WHERE credential_id = $1"


@dataclass(frozen=True, slots=True)
class Step:
    """`after`: seconds since the step before."""

    leaf: Leaf
    after: float | None


async def about(db: Pool, name: UUID) -> list[Step]:
    """Of a request also how its credentials ended. An order or any other fact is found by its own id."""
    request_hash = await db.fetchval(REQUEST_HASH, name)
    facts = [name, *(named(stage, request_hash) for stage in STAGES if request_hash)]
    found = await read(db, [name], facts)
    minted = {UUID(one.fact["credential_id"]) for one in found if one.kind == "credential.minted"} - {name}
    if minted:
        found = await read(db, [name, *minted], facts)
    return steps(found)


async def read(db: Pool, ids: Sequence[UUID], facts: Sequence[UUID]) -> list[Leaf]:
    return [leaf(row) for row in await db.fetch(ABOUT, ids, facts, MOST)]


def steps(leaves: Sequence[Leaf]) -> list[Step]:
    found: list[Step] = []
    for one in leaves:
        before = found[-1].leaf.at if found else None
        found.append(Step(one, (one.at - before).total_seconds() if one.at and before else None))
    return found
