"""Questions to the log. By index, request or credential there is an index; times are found by halves; the rest is looked through piece by piece."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from counterfoil_server.runtime.store.database import Pool
from services.console.audit.leaves import Leaf, leaf

PAGE, WINDOW = 50, 10_000
"""As many leaves are looked through for one page, at most."""
SIZE = "SELECT size FROM audit_head"
SCAN = """SELECT idx, bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 AND ($3::bytea IS NULL OR position($3 in bytes) > 0)
    AND ($4::bytea IS NULL OR position($4 in bytes) > 0) ORDER BY idx DESC LIMIT $5"""
AT = "SELECT idx, bytes FROM audit_leaf WHERE idx = $1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`before`: where the page before ended."""

    kind: str = ""
    connector: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    @property
    def sifts(self) -> bool:
        return bool(self.kind or self.connector)


@dataclass(frozen=True, slots=True)
class Found:
    """The newest first. Looked through were the leaves from `low` to below `high`; `more`: where to go on, None at the end."""

    leaves: Sequence[Leaf]
    low: int
    high: int
    more: int | None
    size: int


async def search(db: Pool, wanted: Wanted) -> Found:
    size = await db.fetchval(SIZE) or 0
    floor = await first_since(db, wanted.since, size) if wanted.since else 0
    high = await first_since(db, wanted.until, size) if wanted.until else size
    if wanted.before is not None:
        high = min(high, wanted.before)
    low = max(floor, high - (WINDOW if wanted.sifts else PAGE))
    rows = await db.fetch(SCAN, low, high, member("kind", wanted.kind), quoted(wanted.connector), PAGE) if low < high else []
    if len(rows) == PAGE:
        low = rows[-1]["idx"]
    return Found([leaf(row) for row in rows], low, max(low, high), low if low > floor else None, size)


def quoted(text: str) -> bytes | None:
    """As it stands in a leaf, wherever in it."""
    return json.dumps(text, ensure_ascii=False).encode() if text else None


def member(name: str, text: str) -> bytes | None:
    return f'"{name}":'.encode() + (quoted(text) or b"") if text else None


async def first_since(db: Pool, moment: datetime, size: int) -> int:
    """Leaves are in order of time as far as the writer's clock never went back."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        row = await db.fetchrow(AT, middle)
        at = leaf(row).at if row else None
        low, high = (middle + 1, high) if at is not None and at < moment else (low, middle)
    return low
