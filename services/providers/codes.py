"""Codes that people are to type in at a provider: what they are shown, and what is asked with meanwhile, which lies as refresh tokens do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from counterfoil.wire import binding
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool
from services.providers.device_codes import Device
from services.providers.envelope import Envelope

TURN = timedelta(seconds=10)
"""Longer than any call. Whose turn was not given back is gone, and the next asks."""
KEEP = """INSERT INTO consent_device (consent_id, user_code, url, complete, pace, next_at, kek_id, wrapped_key, nonce, box)
VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $5, $6, $7, $8, $9)"""
UNTIL = "UPDATE consent SET expires_at = clock_timestamp() + $2::interval WHERE consent_id = $1"
KNOWN = "SELECT EXISTS (SELECT FROM consent_device WHERE consent_id = $1)"
TAKE = """UPDATE consent_device d SET turn = $1, next_at = clock_timestamp() + $2::interval FROM consent c
WHERE c.consent_id = d.consent_id AND d.consent_id IN (SELECT consent_id FROM consent_device WHERE next_at <= clock_timestamp()
    ORDER BY next_at LIMIT 50 FOR UPDATE SKIP LOCKED)
RETURNING c.*, c.expires_at < clock_timestamp() AS late, d.turn, d.pace, d.kek_id, d.wrapped_key, d.nonce, d.box"""
LATER = "UPDATE consent_device SET turn = NULL, pace = $3, next_at = clock_timestamp() + $3::interval WHERE consent_id = $1 AND turn = $2"
DONE = "DELETE FROM consent_device WHERE consent_id = $1"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Codes:
    db: Pool
    envelope: Envelope

    async def keep(self, consent_id: UUID, found: Device) -> None:
        """From here on the question lives as long as the code does."""
        kept = self.envelope.wrap(found.code, binding.device(consent_id))
        async with self.db.acquire() as db, db.transaction():
            await db.execute(KEEP, consent_id, found.user_code, found.url, found.complete, found.pace, kept.kek_id, kept.wrapped_key, kept.nonce,
                             kept.box)  # fmt: skip
            await db.execute(UNTIL, consent_id, found.lives)

    async def knows(self, consent_id: UUID) -> bool:
        return bool(await self.db.fetchval(KNOWN, consent_id))

    async def take(self) -> Sequence[Row]:
        """Those that are due, for whoever gets them first: nobody else does before its turn is over."""
        rows: Sequence[Row] = await self.db.fetch(TAKE, uuid4(), TURN)
        return rows

    def of(self, row: Row) -> Secret:
        return self.envelope.unwrap(row, binding.device(row["consent_id"]))

    async def later(self, row: Row, pace: timedelta) -> None:
        await self.db.execute(LATER, row["consent_id"], row["turn"], pace)

    async def done(self, consent_id: UUID) -> None:
        await self.db.execute(DONE, consent_id)
