"""Slot: what the wallet has of one key: the credential, the load that is under way, and when it may be tried again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from counterfoil.client.credential import Credential
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.freshness import Age, Kept, pause


@dataclass(eq=False)
class Slot:
    epoch: int = 0
    """Raised when what is loaded now is not wanted any more."""
    kept: Kept | None = None
    flight: "asyncio.Task[Credential] | None" = None
    failures: int = 0
    again: datetime | None = None

    def age(self, now: datetime) -> Age:
        return Age.DEAD if self.kept is None else self.kept.age(now)

    def holds(self, credential_id: UUID) -> bool:
        return self.kept is not None and self.kept.credential.credential_id == credential_id

    def resting(self, now: datetime) -> bool:
        """After a failure, while it is too early to try again."""
        return self.again is not None and now < self.again

    def failed(self, now: datetime, error: Exception) -> None:
        self.failures += 1
        self.again = now + pause(self.failures, error.retry_after if isinstance(error, CounterfoilError) else None)

    def keep(self, now: datetime, credential: Credential, spread: Callable[[float, float], float]) -> None:
        self.kept = Kept.since(now, credential, spread)
        self.failures, self.again = 0, None
