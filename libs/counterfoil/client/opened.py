"""What a client has while it is open: the ways to the exchange, the cache, and the loop that both live on."""

import asyncio
import os
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from counterfoil.client import trace, why
from counterfoil.client.caller import Caller, Source, timely
from counterfoil.client.credential import Credential
from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import ConsentRequired, CounterfoilError
from counterfoil.client.explanation import Explaining, Explanation
from counterfoil.client.subject import Subject
from counterfoil.client.tries import Attempt, persist
from counterfoil.client.wallet import Wallet
from counterfoil.client.ways import Revoking, Ways
from counterfoil.client.wish import Wish
from counterfoil.wire.secret import Secret


class Opened:
    def __init__(self, ways: Ways, caller: Caller, timeout: float, sampled: bool | None) -> None:
        self._ways, self._caller, self._timeout, self._sampled = ways, caller, timeout, sampled
        self.loop, self.pid = asyncio.get_running_loop(), os.getpid()
        self.wallet = Wallet(self._abandon)

    async def kept(self, wish: Wish, subject: Subject, instead_of: Credential | None = None) -> Credential:
        deadline = Deadline(self._timeout)
        await self._ways.hear(self.wallet, deadline)
        caller, source = await self._caller.now(deadline)
        key = caller, subject, wish.key()
        if instead_of is not None:
            self.wallet.instead_of(key, instead_of)
        return await self.wallet.get(key, lambda: self._exchanged(wish, source, deadline))

    async def exchange(self, wish: Wish, request_id: UUID | str | None = None) -> Credential:
        return await self._exchanged(wish, self._caller.identity.token, Deadline(self._timeout), request_id)

    async def explain(self, wish: Wish) -> Explanation:
        deadline = Deadline(self._timeout)

        async def prepare(_: UUID) -> Attempt[Explanation]:
            return Explaining(self._ways.door, wish, await self._caller.token(deadline), deadline)

        return await persist(prepare, uuid4(), deadline)

    async def revoke(self, name: str) -> dict[str, Any]:
        deadline = Deadline(self._timeout)
        with suppress(ValueError):  # or else it is the credential itself, which the cache does not go by
            self.wallet.revoked(UUID(name))

        async def prepare(_: UUID) -> Attempt[dict[str, Any]]:
            return Revoking(self._ways.door, name, await self._caller.token(deadline), deadline)

        return await persist(prepare, uuid4(), deadline)

    async def give_back(self, credential: Credential) -> None:
        """Seen through to its end, though whoever waits for it be cancelled."""
        revoking = asyncio.ensure_future(self.revoke(str(credential.credential_id)))
        try:
            await asyncio.shield(revoking)
        except asyncio.CancelledError:
            await revoking
            raise

    async def close(self) -> None:
        await self.wallet.close()
        await self._ways.close()

    async def _exchanged(self, wish: Wish, source: Source, deadline: Deadline, request_id: UUID | str | None = None) -> Credential:
        sampled = await self._ways.in_development(deadline) if self._sampled is None else self._sampled
        shown: list[Secret] = []
        with trace.exchange(wish.connector, sampled) as ours:

            async def prepare(request_id: UUID) -> Attempt[Credential]:
                shown[:] = [await timely(source, deadline)]
                return await self._ways.attempt(wish, shown[0], request_id, deadline, ours)

            try:
                return await persist(prepare, UUID(str(request_id)) if request_id else uuid4(), deadline)
            except ConsentRequired as error:
                if error.url is None and shown:
                    with suppress(CounterfoilError):
                        error.url = await self._ways.consent(wish, shown[0], deadline)
                raise
            except CounterfoilError as error:
                if error.code in why.TOLD and shown:
                    with suppress(CounterfoilError):
                        why.told(error, shown[0], await self._ways.audience())
                raise

    async def _abandon(self, credential: Credential) -> None:
        with suppress(CounterfoilError):  # it dies when its time is up
            await self.revoke(str(credential.credential_id))
