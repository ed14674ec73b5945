"""Client: asks for credentials, checks what comes, gives them back. Over HTTP or over the bus, with the same words."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import UUID, uuid4

from counterfoil.client import trace
from counterfoil.client.credential import Credential
from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.identity import Identity, Token
from counterfoil.client.lifetime import Lifetime
from counterfoil.client.tries import Attempt, persist
from counterfoil.client.well_known import refuse_clear
from counterfoil.client.wish import Wish

if TYPE_CHECKING:  # httpx and aiokafka take longer to import than all the rest, and only what is used is imported
    import httpx

    from counterfoil.client.ways import Ways
    from counterfoil.wire.kafka import Connection

USUAL_URL = "http://127.0.0.1:8484"


class Client:
    def __init__(
        self, url: str | None = None, token: Token | None = None, transport: Literal["http", "kafka"] = "http", *,
        log_key: Sequence[str] | str | None = None, kafka: "Connection | None" = None, reply_partition: int | None = None, timeout: float = 10.0,
        sampled: bool | None = None, http: "httpx.AsyncClient | None" = None, allow_http: bool = False,
    ) -> None:  # fmt: skip
        """`sampled`: whether traces that start here are recorded; None: only in development. `allow_http`: send tokens in clear over a network."""
        self.url = (url or os.environ.get("COUNTERFOIL_URL") or USUAL_URL).rstrip("/")
        self._timeout = Deadline(timeout).seconds
        self._identity = Identity(token, os.environ)
        self._transport, self._kafka, self._partition = transport, kafka, reply_partition
        self._log_key = [log_key] if isinstance(log_key, str) else log_key
        self._sampled, self._http = sampled, http
        self._ways: Ways | None = None
        if transport not in ("http", "kafka"):
            raise ValueError("transport is http or kafka")
        refuse_clear(self.url, allow_http)

    async def __aenter__(self) -> Self:
        from counterfoil.client.ways import Ways  # noqa: PLC0415 see above

        ways = Ways(self.url, self._http, self._log_key)
        if self._transport == "kafka":
            ways.take_the_bus(self._kafka, self._partition)
        self._ways = ways
        return self

    async def __aexit__(self, *_: object) -> None:
        ways, self._ways = self._open(), None
        await ways.close()

    async def exchange(
        self, connector: str, scopes: Iterable[str] = (), details: Iterable[Mapping[str, Any]] = (), lifetime: Lifetime | None = None,
        request_id: UUID | str | None = None,
    ) -> Credential:  # fmt: skip
        """Raises a CounterfoilError. Give the same `request_id` again only where no answer came to it."""
        ways, wish, deadline = self._open(), Wish.of(connector, scopes, details, lifetime), Deadline(self._timeout)
        sampled = await ways.in_development(deadline) if self._sampled is None else self._sampled
        with trace.exchange(connector, sampled) as ours:

            async def prepare(request_id: UUID) -> Attempt[Credential]:
                return await ways.attempt(wish, await self._identity.token(), request_id, deadline, ours)

            return await persist(prepare, UUID(str(request_id)) if request_id else uuid4(), deadline)

    @asynccontextmanager
    async def credential(
        self, connector: str, scopes: Iterable[str] = (), details: Iterable[Mapping[str, Any]] = (), lifetime: Lifetime | None = None
    ) -> AsyncIterator[Credential]:
        """For the length of a block: revoked at its end, however it ends."""
        credential = await self.exchange(connector, scopes, details, lifetime)
        try:
            yield credential
        except BaseException as error:
            try:
                await self._give_back(credential)
            except CounterfoilError as second:
                error.add_note(f"and {credential.credential_id} could not be revoked: {second}")
            raise
        await self._give_back(credential)

    async def revoke(self, credential: Credential | UUID | str) -> dict[str, Any]:
        """Always by the HTTP door. `accepted`: since when its end is ordered; None where the caller has no credential of that name (RFC 7009)."""
        from counterfoil.client.ways import Revoking  # noqa: PLC0415 see above

        door, deadline = self._open().door, Deadline(self._timeout)
        name = str(credential.credential_id if isinstance(credential, Credential) else credential)

        async def prepare(_: UUID) -> Attempt[dict[str, Any]]:
            return Revoking(door, name, await self._identity.token(), deadline)

        return await persist(prepare, uuid4(), deadline)

    async def _give_back(self, credential: Credential) -> None:
        """Seen through to its end, though whoever waits for it be cancelled."""
        revoking = asyncio.ensure_future(self.revoke(credential))
        try:
            await asyncio.shield(revoking)
        except asyncio.CancelledError:
            await revoking
            raise

    def _open(self) -> "Ways":
        if self._ways is None:
            raise RuntimeError("the client is not open: async with Client() as cf")
        return self._ways
