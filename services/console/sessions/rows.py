"""Sessions in PostgreSQL. A row names no cookie, and its token opens only with one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil_server.runtime.store.database import Pool
from services.console.sessions.standing import Standing

FOUND = "SELECT token, name, role, may, signed_in_at, checked_at, ends_at FROM console_session WHERE id = $1 AND ends_at > $2"
# The state is used up in the same statement: of two answers with one state, one makes a session.
BEGUN = """
    WITH used AS (INSERT INTO console_login (state, ends_at) VALUES ($9, $10) ON CONFLICT DO NOTHING RETURNING true)
    INSERT INTO console_session (id, token, name, role, may, signed_in_at, checked_at, ends_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8 FROM used
    RETURNING true
"""
CHECKED = "UPDATE console_session SET role = $2, may = $3, checked_at = greatest(checked_at, $4) WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Row:
    id: bytes
    token: bytes = field(repr=False)
    name: str
    role: str
    may: frozenset[str]
    signed_in_at: datetime
    checked_at: datetime
    ends_at: datetime


class Rows:
    def __init__(self, db: Pool) -> None:
        self._db = db

    async def find(self, id_: bytes, now: datetime) -> Row | None:
        found: Mapping[str, Any] | None = await self._db.fetchrow(FOUND, id_, now)
        return None if found is None else Row(id=id_, **{**found, "may": frozenset(found["may"])})

    async def begin(self, row: Row, state: str, state_ends_at: datetime) -> bool:
        """False where this state was used before."""
        values = (row.id, row.token, row.name, row.role, sorted(row.may), row.signed_in_at, row.checked_at, row.ends_at)
        return bool(await self._db.fetchval(BEGUN, *values, state, state_ends_at))

    async def check(self, id_: bytes, standing: Standing, now: datetime) -> None:
        await self._db.execute(CHECKED, id_, standing.role, sorted(standing.may), now)

    async def end(self, id_: bytes) -> None:
        await self._db.execute("DELETE FROM console_session WHERE id = $1", id_)

    async def sweep(self, now: datetime) -> None:
        await self._db.execute("DELETE FROM console_session WHERE ends_at <= $1", now)
        await self._db.execute("DELETE FROM console_login WHERE ends_at <= $1", now)
