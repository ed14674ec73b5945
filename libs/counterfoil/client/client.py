"""Client: asks for credentials, checks what comes, keeps them for as long as they are good, gives them back. Over HTTP or over the bus."""

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import UUID

from counterfoil.client import environment
from counterfoil.client.credential import Credential
from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.fork import refuse_fork
from counterfoil.client.identity import Identity, Token
from counterfoil.client.lifetime import Lifetime
from counterfoil.client.subject import App, Subject
from counterfoil.client.well_known import refuse_clear
from counterfoil.client.wish import Wish

if TYPE_CHECKING:  # httpx and aiokafka take longer to import than all the rest, and only what is used is imported
    import httpx

    from counterfoil.client.explanation import Explanation
    from counterfoil.client.opened import Opened
    from counterfoil.wire.kafka import Connection

APP = App()
Scopes = Iterable[str]
Details = Iterable[Mapping[str, Any]]


class Client:
    """`async with Client() as cf`. Keep one for as long as the process lives: it holds connections, and the cache.

    The wish is the same everywhere. `connector` is a name like github/acme-bot. `scopes`, and `details` (RFC 9396) narrow it; left out: what the
    link allows by itself. `lifetime` is seconds, "5m" or a timedelta. `installation` is one of the connector's; left out: its own. `subject` is
    App(), or User(id): on behalf of one of the app's users, who has to agree once (ConsentRequired says where). Every method raises a
    CounterfoilError for a no, each with a `fix`.
    """

    def __init__(
        self, url: str | None = None, token: Token | None = None, transport: Literal["http", "kafka"] | None = None, *,
        log_key: Sequence[str] | str | None = None, kafka: "Connection | None" = None, reply_partition: int | None = None, timeout: float = 10.0,
        sampled: bool | None = None, http: "httpx.AsyncClient | None" = None, allow_http: bool | None = None,
    ) -> None:  # fmt: skip
        """What is left out, the environment says (COUNTERFOIL_URL and the like), and who asks is the environment's identity.

        `token`: an OIDC token, or a callable that gives one each time. `log_key`: the public keys of the audit log; without them they are fetched
        from the gateway. `timeout`: the one deadline of a call, retries and all. `sampled`: whether traces that start here are recorded; None: only
        in development. `http`: a client of your own, for proxies and authorities. `allow_http`: send tokens in clear over a network.
        """
        self.url = environment.url(os.environ, url)
        self._timeout, self._sampled = Deadline(timeout).seconds, sampled
        self._identity, self._ambient = Identity(token, os.environ), token is None
        self._transport, self._kafka, self._partition = environment.transport(os.environ, transport), kafka, reply_partition
        self._log_key, self._http = environment.log_keys(os.environ, log_key), http
        self._opened: Opened | None = None
        refuse_clear(self.url, environment.allow_http(os.environ, allow_http))

    async def open(self) -> Self:
        """What `async with` does, for whoever has no block to put it around. Nothing is sent yet."""
        if self._opened is not None:
            raise RuntimeError("the client is open already")
        from counterfoil.client.caller import Caller  # noqa: PLC0415 see above
        from counterfoil.client.opened import Opened  # noqa: PLC0415 see above
        from counterfoil.client.ways import Ways  # noqa: PLC0415 see above

        ways = Ways(self.url, self._http, self._log_key)
        self._identity.audience = ways.audience
        if self._transport == "kafka":
            ways.take_the_bus(lambda: self._kafka or environment.kafka(os.environ), self._partition)
        self._opened = Opened(ways, Caller(self._identity, self._ambient), self._timeout, self._sampled)
        return self

    async def close(self) -> None:
        """What is in the cache lives on until it expires: whoever has it may be using it. Closing twice is no error."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get_token(
        self, connector: str, scopes: Scopes = (), details: Details = (), lifetime: Lifetime | None = None, *, installation: str | None = None,
        subject: Subject = APP, instead_of: Credential | None = None,
    ) -> Credential:  # fmt: skip
        """A credential from the cache, or a new one. Others may hold the same, so do not revoke it unless it shall end for all of them.

        It is replaced in the background ahead of its end. Where that fails the old one is given out as long as it lives. `instead_of`: one that
        the provider did not accept.
        """
        return await self._open().kept(Wish.of(connector, scopes, details, lifetime, installation, subject), subject, instead_of)

    async def exchange(
        self, connector: str, scopes: Scopes = (), details: Details = (), lifetime: Lifetime | None = None, request_id: UUID | str | None = None, *,
        installation: str | None = None, subject: Subject = APP,
    ) -> Credential:  # fmt: skip
        """A new credential, the caller's own. Give the same `request_id` again only where no answer came to it."""
        return await self._open().exchange(Wish.of(connector, scopes, details, lifetime, installation, subject), request_id)

    @asynccontextmanager
    async def credential(
        self, connector: str, scopes: Scopes = (), details: Details = (), lifetime: Lifetime | None = None, *, installation: str | None = None,
        subject: Subject = APP,
    ) -> AsyncIterator[Credential]:  # fmt: skip
        """A new credential for the length of a block: revoked at its end, however it ends."""
        opened = self._open()
        credential = await self.exchange(connector, scopes, details, lifetime, installation=installation, subject=subject)
        try:
            yield credential
        except BaseException as error:
            try:
                await opened.give_back(credential)
            except CounterfoilError as second:
                error.add_note(f"and {credential.credential_id} could not be revoked: {second}")
            raise
        await opened.give_back(credential)

    def auth(
        self, connector: str, scopes: Scopes = (), details: Details = (), lifetime: Lifetime | None = None, *, installation: str | None = None,
        subject: Subject = APP,
    ) -> Any:  # fmt: skip
        """The `auth=` of httpx and of httpx2, sync and async: the cached bearer token on each request; after a 401 a new one, once.

        Raises Unsupported on the first request where the connector lends no bearer token.
        """
        from counterfoil.client.bearer import Supply, auth_of  # noqa: PLC0415 see above

        opened, wish = self._open(), Wish.of(connector, scopes, details, lifetime, installation, subject)
        return auth_of(Supply(connector, opened.loop, lambda instead_of: self._open().kept(wish, subject, instead_of)))

    async def explain(
        self, connector: str, scopes: Scopes = (), details: Details = (), lifetime: Lifetime | None = None, *, installation: str | None = None,
        subject: Subject = APP,
    ) -> "Explanation":  # fmt: skip
        """Whether it would be granted, by which rule, and if not, what would. Nothing is lent. By the HTTP door on either transport."""
        return await self._open().explain(Wish.of(connector, scopes, details, lifetime, installation, subject))

    async def revoke(self, credential: Credential | UUID | str) -> dict[str, Any]:
        """Of one's own, by the HTTP door on either transport. What the gateway says: `accepted` is None where there is no such credential of ours."""
        return await self._open().revoke(str(credential.credential_id if isinstance(credential, Credential) else credential))

    def _open(self) -> "Opened":
        if self._opened is None:
            raise RuntimeError("the client is not open: async with Client() as cf")
        refuse_fork(self._opened.pid)
        return self._opened
