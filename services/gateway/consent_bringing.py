"""-> consent.returned: what a person brought goes sealed to mint, and stays nowhere here."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil.contracts import consent_returned
from counterfoil.contracts.base import named
from counterfoil.contracts.consent_returned import ConsentReturned
from counterfoil.wire import binding
from counterfoil.wire.armor import to_url
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import Out
from services.gateway.consents import Consents
from services.gateway.settled import Settled

PATIENCE = 8.0
Send = Callable[[Sequence[Out]], Awaitable[None]]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Bringing:
    consents: Consents
    keys: KeyRing
    send: Send
    settled: Settled
    now: Clock

    async def bring(self, row: Row, brought: Mapping[str, str], deadline: datetime | None = None) -> Row:
        """The question, with what came of it where that came in time. `deadline`: until when it may be used; else as long as somebody waits here."""
        with self.settled.expecting(row["consent_id"]) as end:
            await self.put(row, brought, deadline)
            await asyncio.wait([end], timeout=PATIENCE)
        return await self.consents.came_to(row["consent_id"]) or row

    async def put(self, row: Row, brought: Mapping[str, str], deadline: datetime | None = None) -> None:
        await self.send([self._returned(row, brought, deadline)])

    def _returned(self, row: Row, brought: Mapping[str, str], deadline: datetime | None) -> Out:
        consent_id, now = row["consent_id"], self.now()
        box = self.keys.sealer.seal(Secret(json.dumps(brought)), self.keys.recipient("mint"), binding.consent(consent_id))
        fact = ConsentReturned(
            id=named("consent.returned", str(consent_id)), at=now, consent_id=consent_id, deadline=deadline or now + timedelta(seconds=PATIENCE),
            box=to_url(box).decode(),
        )  # fmt: skip
        return Out(consent_returned.TOPIC, fact, key=str(consent_id), event_id=str(fact.id))
