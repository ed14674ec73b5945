"""The newest signed head, which is the published checkpoint: whoever sees it later than 5 s after it was signed sees a newer one."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from counterfoil.wire.tiles import BadTile
from counterfoil_server.runtime.store.database import Pool
from services.gateway.problems import Problem

LARGEST = 2**53
Made = TypeVar("Made")
SHORTLY = {"Cache-Control": "public, max-age=5", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Head:
    size: int
    checkpoint: str

    def covers(self, size: int, what: str) -> None:
        if size > self.size:
            raise Problem("beyond_log", f"{what}: the newest checkpoint has {self.size} leaves")


async def newest(db: Pool) -> Head | None:
    row = await db.fetchrow("SELECT size, checkpoint FROM audit_head")
    return Head(row["size"], row["checkpoint"]) if row else None


async def published(db: Pool) -> Head:
    head = await newest(db)
    if head is None:
        raise Problem("beyond_log", "nothing was recorded yet: there is no checkpoint")
    return head


async def made(wanted: Awaitable[Made]) -> Made:
    """Right after an upgrade the tiles of an older writer's leaves may not be there yet."""
    try:
        return await wanted
    except BadTile:
        raise Problem("unavailable", "tiles are missing: the audit process makes them when it starts") from None
