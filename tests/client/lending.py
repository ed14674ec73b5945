"""A lender with time in the test's hand: each load is a new credential, or the error that comes next."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil.client.credential import Credential, Receipt
from counterfoil.client.wallet import Wallet
from counterfoil.wire.secret import Secret

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lent(number: int, until: datetime, token_type: str = "Bearer") -> Credential:
    return Credential(
        credential_id=UUID(int=number), request_id=UUID(int=number), connector="github/acme-bot", scopes=frozenset(), details=(), expires_at=until,
        token_type=token_type, receipt=Receipt(0, "", None, "given"), _token=Secret(f"canary-{number}"), _parts={},
    )  # fmt: skip


@dataclass
class Lender:
    now: datetime = START
    life: timedelta = HOUR
    loads: int = 0
    errors: list[Exception] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Closed: loads begin and do not end."""
    given_back: list[Credential] = field(default_factory=list)
    spread: float = 1.0

    def __post_init__(self) -> None:
        self.gate.set()

    def wallet(self, **options: Any) -> Wallet:
        return Wallet(self.give_back, now=lambda: self.now, spread=lambda low, high: min(max(self.spread, low), high), **options)

    async def load(self) -> Credential:
        self.loads += 1
        number = self.loads
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        return lent(number, self.now + self.life)

    async def give_back(self, credential: Credential) -> None:
        self.given_back.append(credential)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


async def settle() -> None:
    """Let whatever can go on in the background go on."""
    for _ in range(20):
        await asyncio.sleep(0)
