"""The one way to change the registry: one transaction, one revision per change and none left out, older decisions stale at once."""

from collections.abc import Sequence
from datetime import datetime

from counterfoil.contracts.base import named
from counterfoil.contracts.registry import Issuer, Mapped, Operator
from counterfoil.contracts.revocation_requested import Actor
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.book import FIRST_ADMIN, BadChange, Book
from counterfoil_server.runtime.store.changes import Change, Note, Put, Remove
from counterfoil_server.runtime.store.database import Connection, Pool
from counterfoil_server.runtime.store.fences import Block, Fence, Unblock, Unfence
from counterfoil_server.runtime.store.outdated import Concern, held

__all__ = ["BadChange", "Block", "Change", "Fence", "Note", "Put", "Remove", "Unblock", "Unfence", "apply", "change", "first_admin"]

HEAD = "SELECT revision FROM registry_head"
DECLARED = "SELECT EXISTS (SELECT FROM registry_change WHERE entry_kind <> 'key')"
"""The services have keys before anyone can be let in."""


async def change(db: Pool, changes: Sequence[Change], actor: Actor, now: datetime) -> int:
    """The revision after it. Raises BadChange."""
    async with db.acquire() as connection, connection.transaction():
        return await apply(connection, changes, actor, now)


async def apply(db: Connection, changes: Sequence[Change], actor: Actor, now: datetime) -> int:
    """Within the caller's transaction, before the caller takes any lock. What is read is read in statements of their own, after the locks."""
    await locks.registry(db)
    steps = (await Book.read(db, changes)).follow(changes)
    blocks = [locks.BLOCKS] if any(isinstance(step, Block | Unblock) for step, _ in steps) else []
    if ids := [*blocks, *await connectors(db, held(steps))]:
        await db.execute("RESET idle_in_transaction_session_timeout")  # from here on mint waits: whoever stands still loses the locks
        await locks.exclude(db, *ids)
    before = revision = int(await db.fetchval(HEAD))
    for step, concerned in steps:
        if await step.write(db, revision + 1, now):
            revision += 1
            await log(db, revision, step, actor, now)
            await outdate(db, concerned, revision)
    if revision > before:
        await db.execute("UPDATE registry_head SET revision = $1", revision)
        await db.execute("SELECT pg_notify('registry', $1)", str(revision))
    return revision


async def connectors(db: Connection, concerned: Concern) -> list[int]:
    """By id. One that is new has no row yet, and nobody to wait for."""
    rows = await db.fetch("SELECT id FROM connector WHERE $1::text[] IS NULL OR name = ANY($1)", None if concerned is None else sorted(concerned))
    return [row["id"] for row in rows]


async def log(db: Connection, revision: int, step: Change, actor: Actor, now: datetime) -> None:
    await db.execute(
        "INSERT INTO registry_change (revision, id, at, actor, change, entry_kind, name, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        revision, named("registry", str(revision)), now, actor.model_dump(mode="json"), step.change, step.kind, step.name, step.shown(),
    )  # fmt: skip


async def outdate(db: Connection, concerned: Concern, revision: int) -> None:
    """Mint refuses what was decided under an older revision than its connector's."""
    if concerned is None:
        await db.execute("UPDATE connector SET revision = $1", revision)
    elif concerned:
        await db.execute("UPDATE connector SET revision = $1 WHERE name = ANY($2::text[])", revision, sorted(concerned))


async def first_admin(db: Pool, issuer: str, subject: str, actor: Actor, now: datetime) -> int:
    """Into a registry of which nobody declared anything: who may fill it, and the issuer that proves who that is. Later it does nothing."""
    async with db.acquire() as connection, connection.transaction():
        await locks.registry(connection)
        if await connection.fetchval(DECLARED):
            return int(await connection.fetchval(HEAD))
        nowhere = Mapped(value="-")
        admin = Operator(issuer=issuer, subject=subject, role="admin")
        proof = Issuer(name=FIRST_ADMIN, issuer=issuer, project=nowhere, environment=nowhere)
        return await apply(connection, [Put(admin), Put(proof)], actor, now)
