"""The blocking client: the same names, the same arguments. `from counterfoil.sync import App, Client, User`.

Each call is the async client's own, on an event loop in one background thread; nothing is written twice.
"""

import weakref
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeVar

from counterfoil.client.client import Client as Async
from counterfoil.client.identity import Token
from counterfoil.client.subject import App, User

if TYPE_CHECKING:  # asyncio, httpx and aiokafka take longer to import than all the rest
    import httpx

    from counterfoil.client.background import Background
    from counterfoil.wire.kafka import Connection

__all__ = ["App", "Client", "User"]

P = ParamSpec("P")
T = TypeVar("T")


def _waits(method: Callable[Concatenate[Async, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate["Client", P], T]:
    @wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._open().run(lambda: method(self._client, *args, **kwargs))

    return call


def _blocks(method: Callable[Concatenate[Async, P], AbstractAsyncContextManager[T]]) -> Callable[Concatenate["Client", P], AbstractContextManager[T]]:
    @wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> AbstractContextManager[T]:
        return Block(self._open(), method(self._client, *args, **kwargs))

    return call


def _asks(method: Callable[Concatenate[Async, P], T]) -> Callable[Concatenate["Client", P], T]:
    @wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        self._open()
        return method(self._client, *args, **kwargs)

    return call


class Block(AbstractContextManager[T]):
    """An async context manager, entered and left on the background's loop."""

    def __init__(self, background: "Background", block: AbstractAsyncContextManager[T]) -> None:
        self._background, self._block = background, block

    def __enter__(self) -> T:
        return self._background.run(self._entered)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        return self._background.run(lambda: self._left(kind, error, trace))

    async def _entered(self) -> T:
        return await self._block.__aenter__()

    async def _left(self, *raised: Any) -> bool | None:
        return await self._block.__aexit__(*raised)


class Client:
    """`with Client() as cf`. One may be used by several threads at once.

    Where an event loop runs in the calling thread it works, and holds that loop up meanwhile: use the async client there. Whatever is still open
    when the process ends is closed then. Open it after a fork, not before.
    """

    def __init__(
        self, url: str | None = None, token: Token | None = None, transport: Literal["http", "kafka"] | None = None, *,
        log_key: Sequence[str] | str | None = None, kafka: "Connection | None" = None, reply_partition: int | None = None, timeout: float = 10.0,
        sampled: bool | None = None, http: "httpx.AsyncClient | None" = None, allow_http: bool | None = None,
    ) -> None:  # fmt: skip
        """As the async client's. `http` is used on the background thread's loop, and is an AsyncClient here too."""
        self._background: Background | None = None
        self._client = Async(
            url, token, transport, log_key=log_key, kafka=kafka, reply_partition=reply_partition, timeout=timeout, sampled=sampled, http=http,
            allow_http=allow_http,
        )  # fmt: skip

    get_token = _waits(Async.get_token)
    exchange = _waits(Async.exchange)
    explain = _waits(Async.explain)
    revoke = _waits(Async.revoke)
    credential = _blocks(Async.credential)
    auth = _asks(Async.auth)

    @property
    def url(self) -> str:
        return self._client.url

    def open(self) -> Self:
        if self._background is not None:
            raise RuntimeError("the client is open already")
        from counterfoil.client.background import Background  # noqa: PLC0415 see above

        background = Background()
        self._end = weakref.finalize(self, background.stop, self._client.close)
        try:
            background.run(self._client.open)
        except BaseException:
            self._end()
            raise
        self._background = background
        return self

    def close(self) -> None:
        if self._background is not None:
            self._background = None
            self._end()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> "Background":
        if self._background is None:
            raise RuntimeError("the client is not open: with Client() as cf")
        return self._background
