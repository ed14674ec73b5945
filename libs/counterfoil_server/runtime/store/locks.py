"""The advisory locks that make the fence fair, and the one order in which everyone takes them: registry, blocks, connectors by id, limits by id.

A lock and what it guards are never read in one statement: such a statement sees the state from before it had the lock.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from counterfoil_server.runtime.store.database import AWAY, Connection

REGISTRY, CONNECTORS, SINGLETONS, LIMITS = 0xCF01, 0xCF02, 0xCF03, 0xCF04
BLOCKS = 0
AUDIT_WRITER, MIGRATIONS, REGISTRY_RELAY = 1, 2, 3


async def registry(db: Connection) -> None:
    await db.execute("SELECT pg_advisory_xact_lock($1, 0)", REGISTRY)


def shared(connectors: Iterable[int]) -> str:
    """Statements that take blocks and connectors as intent, swap and reply hold them: inside a transaction, in the order of all."""
    return "".join(f"SELECT pg_advisory_xact_lock_shared({CONNECTORS}, {int(number)});" for number in [BLOCKS, *sorted(set(connectors))])


@asynccontextmanager
async def sharing(db: Connection, connectors: Iterable[int]) -> AsyncIterator[None]:
    """A transaction that begins with what is shared, in one message: three stages do it for every batch."""
    try:
        await db.execute(f"BEGIN ISOLATION LEVEL READ COMMITTED; {shared(connectors)}")
        yield
        await db.execute("COMMIT")
    except BaseException:
        await undone(db)
        raise


async def undone(db: Connection) -> None:
    """A connection that cannot even roll back is of no more use."""
    try:
        await db.execute("ROLLBACK")
    except AWAY:
        db.terminate()


async def count(db: Connection, connectors: Iterable[int]) -> None:
    """Where a connector has limits, one transaction at a time counts what it has lent and adds to it."""
    await _alone(db, LIMITS, connectors)


async def exclude(db: Connection, *ids: int) -> None:
    """BLOCKS for a block's insert; a connector's id for its fence or a new revision."""
    await _alone(db, CONNECTORS, ids)


async def _alone(db: Connection, space: int, ids: Iterable[int]) -> None:
    await db.execute(
        "SELECT pg_advisory_xact_lock($1, id) FROM unnest($2::int[]) WITH ORDINALITY AS held(id, place) ORDER BY place", space, sorted(set(ids))
    )
