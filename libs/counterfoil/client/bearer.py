"""The auth object: a lent bearer token on each request of httpx and of httpx2, sync and async; after a 401 another one, once."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

from counterfoil.client.credential import Credential
from counterfoil.client.errors import Unsupported

LIBRARIES = ("httpx", "httpx2")
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Supply:
    """The cache of an open client. It lives on one event loop; who asks from elsewhere is carried over."""

    connector: str
    loop: asyncio.AbstractEventLoop
    get: Callable[[Credential | None], Coroutine[Any, Any, Credential]]
    """Takes the credential that was not accepted, if one was not."""

    async def awaited(self, instead_of: Credential | None = None) -> Credential:
        asked = self.get(instead_of)
        if asyncio.get_running_loop() is self.loop:
            return bearer(await asked)
        return bearer(await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked, self.loop)))

    def blocking(self, instead_of: Credential | None = None) -> Credential:
        if running() is self.loop:
            fix = "use an AsyncClient here, or `from counterfoil.sync import Client`"
            raise Unsupported("would_block", "a blocking request in the event loop that has to fetch its token would wait for itself", fix=fix)
        return bearer(asyncio.run_coroutine_threadsafe(self.get(instead_of), self.loop).result())


class Bearer:
    """What both libraries ask of an Auth. Either takes it, for it is made of the Auth of each (`auth_of`)."""

    def __init__(self, supply: Supply) -> None:
        self._supply = supply

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        credential = self._supply.blocking()
        response = yield signed(request, credential)
        if response.status_code == UNAUTHORIZED:
            fresh = self._supply.blocking(credential)
            if repeatable(request):
                yield signed(request, fresh)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        credential = await self._supply.awaited()
        response = yield signed(request, credential)
        if response.status_code == UNAUTHORIZED:
            fresh = await self._supply.awaited(credential)
            if repeatable(request):
                yield signed(request, fresh)

    def __repr__(self) -> str:
        return f"auth({self._supply.connector})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an auth object is bound to its client, and never pickled")


def auth_of(supply: Supply) -> Any:
    """`Any`: to a type checker it shall be an Auth of either library."""
    return auth_class()(supply)


@cache
def auth_class() -> Any:
    """Neither library is imported that is not there."""
    bases = (import_module(name).Auth for name in LIBRARIES if find_spec(name))
    return type("BearerAuth", (Bearer, *bases), {})


def signed(request: Any, credential: Credential) -> Any:
    request.headers["Authorization"] = f"Bearer {credential.reveal()}"
    return request


def bearer(credential: Credential) -> Credential:
    """A database's password does not go out in a header to whoever is called."""
    if credential.token_type.lower() != "bearer":
        fix = f"use it as what it is: `credential = await cf.get_token({credential.connector!r})`, then `credential.reveal()` or `.parts()`"
        raise Unsupported("no_bearer", f"what {credential.connector} lends is no bearer token, but {credential.token_type}", fix=fix)
    return credential


def repeatable(request: Any) -> bool:
    """A body that comes out of a stream has been sent: the 401 is the answer then, and the next request has the new token."""
    try:
        request.content  # noqa: B018 it raises where it was not read into memory
    except RuntimeError:
        return False
    return True


def running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
