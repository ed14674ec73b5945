"""The newest signed head, and the published one: at most five seconds older, with the cosignatures of whoever witnessed it."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from counterfoil.wire.tiles import BadTile
from counterfoil_server.runtime.store.database import Pool
from services.gateway.problems import Problem

LARGEST = 2**53
Made = TypeVar("Made")
SHORTLY = {"Cache-Control": "public, max-age=5", "X-Content-Type-Options": "nosniff"}


# An older audit has published nothing yet: then it is the newest.
HEADS = """
    SELECT head.size AS signed, head.checkpoint AS newest, p.size, p.checkpoint, (
        SELECT string_agg(c.line, '' ORDER BY c.witness) FROM audit_cosignature AS c WHERE c.size = p.size
    ) AS cosignatures
    FROM audit_head AS head LEFT JOIN LATERAL (SELECT size, checkpoint FROM audit_published ORDER BY size DESC LIMIT 1) AS p ON true
"""


@dataclass(frozen=True, slots=True)
class Head:
    """`signed`: the size of the newest head. Who asks about an earlier tree may ask up to it: a receipt's head was never published."""

    size: int
    checkpoint: str
    signed: int

    def covers(self, size: int, what: str) -> None:
        if size > self.signed:
            raise Problem("beyond_log", f"{what}: the newest checkpoint has {self.signed} leaves")


async def newest(db: Pool) -> Head | None:
    """With the cosignatures where it is the published one."""
    row = await db.fetchrow(HEADS)
    if row is None:
        return None
    return _published(row) if row["size"] == row["signed"] else Head(row["signed"], row["newest"], row["signed"])


async def published(db: Pool) -> Head:
    row = await db.fetchrow(HEADS)
    if row is None:
        raise Problem("beyond_log", "nothing was recorded yet: there is no checkpoint")
    return Head(row["signed"], row["newest"], row["signed"]) if row["size"] is None else _published(row)


def _published(row: Any) -> Head:
    return Head(row["size"], row["checkpoint"] + (row["cosignatures"] or ""), row["signed"])


async def made(wanted: Awaitable[Made]) -> Made:
    """Right after an upgrade the tiles of an older writer's leaves may not be there yet."""
    try:
        return await wanted
    except BadTile:
        raise Problem("unavailable", "tiles are missing: the audit process makes them when it starts") from None
