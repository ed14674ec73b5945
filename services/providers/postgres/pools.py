"""Connections to a PostgreSQL server as its broker: few, brief, shared; and what every error there becomes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import asyncpg

from counterfoil.wire.secret import Secret
from services.providers.seam import AlreadyThere, ProviderError, Refused, RootRefused, Unavailable

LIMIT = 3.0
"""Seconds for one operation, the wait for a connection included."""
AT_ONCE = 8
OLDEST_SERVER = 16
MOST = 16
BROKEN = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
SETTINGS = {"application_name": "counterfoil", "statement_timeout": "3000", "lock_timeout": "2000", "idle_in_transaction_session_timeout": "3000"}

SAID: tuple[tuple[str, type[ProviderError] | None, str, str], ...] = (
    ("42710", AlreadyThere, "already_there", "a role of this name exists"),
    ("42704", Unavailable, "conflict", "a role was dropped in between"),
    ("42501", Refused, "broker_not_allowed", "the broker role lacks a right that this needs"),
    ("CF001", Refused, "window_closed", "the request came too late to be carried out"),
    ("28", RootRefused, "broker_login", "the server does not let the broker role in"),
    ("3D000", Refused, "unknown_database", "there is no such database"),
    ("57014", Unavailable, "too_slow", "the server did not finish in time"),
    ("57P03", Unavailable, "not_ready", "the server is starting or stopping"),
    ("40003", None, "answer_lost", "the connection broke before the answer"),
    ("40", Unavailable, "conflict", "another change came in between"),
    ("53", Unavailable, "no_room", "the server has no room for more"),
    ("55", Unavailable, "locked", "someone else holds a lock"),
    ("25006", Unavailable, "read_only", "the server is a standby"),
    ("XX000", Unavailable, "conflict", "another change came in between"),
    ("08", None, "answer_lost", "the connection broke before the answer"),
    ("57P", None, "answer_lost", "the server stopped before the answer"),
    ("58", None, "answer_lost", "the server's disk or system failed"),
    ("", Refused, "said_no", "the server said no"),
)
"""By the first letters of the SQLSTATE; None: what a lost answer means there. The server rolls back what it refuses: its no is certain."""


@contextmanager
def becomes(lost: type[ProviderError]) -> Iterator[None]:
    """`lost`: what it means here that no answer came. The server's own words go nowhere."""
    try:
        yield
    except asyncpg.PostgresError as error:
        state = error.sqlstate or ""
        kind, code, message = next((kind, code, message) for start, kind, code, message in SAID if state.startswith(start))
        problem = (kind or lost)(code, f"{message} (SQLSTATE {state})")
    except BROKEN as error:
        problem = lost("no_answer", type(error).__name__)
    else:
        return
    raise problem from None


def deadline() -> float:
    return asyncio.get_running_loop().time() + LIMIT


@asynccontextmanager
async def within(until: float, lost: type[ProviderError]) -> AsyncIterator[None]:
    with becomes(lost):
        async with asyncio.timeout_at(until):
            yield


@dataclass(frozen=True, slots=True)
class Where:
    """The server, the database, and the broker's name there."""

    host: str
    port: int
    database: str
    broker: str
    sslmode: str

    @property
    def tag(self) -> str:
        """In the names of what the broker keeps there. Two brokers, or two databases, share nothing: each may pass on other rights."""
        return hashlib.sha256(f"{self.broker}\0{self.database}".encode()).hexdigest()[:8]


Prepare = Callable[[asyncpg.Connection, Where], Awaitable[None]]


class Pools:
    """One pool per place and password: while a password is being changed both are in use. What goes wrong here went wrong before anything
    was sent: Unavailable.
    """

    def __init__(self, prepare: Prepare | None = None, queries: int = 50_000, **settings: str) -> None:
        """`prepare` is done once to each connection, and it ends after so many `queries`."""
        self._prepare = prepare
        self._queries = queries
        self._settings = {**SETTINGS, **settings}
        self._open: list[tuple[Where, Secret, asyncpg.Pool]] = []
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def connection(self, where: Where, password: Secret, until: float) -> AsyncIterator[asyncpg.Connection]:
        async with within(until, Unavailable):
            pool = await self._pool(where, password)
            connection = await pool.acquire()
        try:
            yield connection
        finally:
            # What was done is done: a connection that breaks on its way back is the pool's own affair.
            with suppress(asyncpg.PostgresError, *BROKEN):
                await pool.release(connection, timeout=LIMIT)

    async def close(self) -> None:
        for *_, pool in self._open:
            pool.terminate()
        self._open.clear()

    async def _pool(self, where: Where, password: Secret) -> asyncpg.Pool:
        async with self._opening:
            for known, by, pool in self._open:
                if known == where and by == password:
                    return pool
            if len(self._open) >= MOST:
                self._open.pop(0)[-1].terminate()
            # min_size 0: opens no connection yet. The no-op `reset` saves a round trip: nothing here leaves session state behind.
            pool = await asyncpg.create_pool(
                host=where.host, port=where.port, database=where.database, user=where.broker, password=password.text(), ssl=where.sslmode,
                min_size=0, max_size=AT_ONCE, max_queries=self._queries, timeout=LIMIT, command_timeout=LIMIT,
                init=partial(self._fit, where), reset=_nothing, server_settings=self._settings,
            )  # fmt: skip
            self._open.append((where, password, pool))
            return pool

    async def _fit(self, where: Where, connection: asyncpg.Connection) -> None:
        """Before 16 a CREATEROLE role could make itself pg_read_all_data; a superuser broker could do anything at all."""
        if connection.get_server_version().major < OLDEST_SERVER:
            raise Refused("server_too_old", "PostgreSQL 16 or later is needed")
        if connection.get_settings().is_superuser == "on":
            raise Refused("broker_is_superuser", "give the connector a broker role with CREATEROLE that is no superuser")
        if self._prepare:
            await self._prepare(connection, where)


async def _nothing(_: asyncpg.Connection) -> None:
    return None
