"""One call of the command line: where the gateway is, who calls, and what the environment adds. Nothing else in cli/ reads it."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from counterfoil.cli.exits import say
from counterfoil.client import environment
from counterfoil.client.client import Client
from counterfoil.client.deadline import Deadline
from counterfoil.client.door import Door
from counterfoil.client.errors import NoIdentity
from counterfoil.client.identity import FILE, TOKEN, Identity
from counterfoil.client.local_issuer import ask_local_issuer
from counterfoil.client.well_known import WellKnown, refuse_clear
from counterfoil.wire.secret import Secret

if TYPE_CHECKING:
    from counterfoil.client.ambient.chain import Found

ADMIN = "admin"
"""The operator's subject at the local issuer, where the gateway names no other."""
LOCAL = "local issuer"
T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Here, so that a verb waits for asyncio when it runs, and not when it explains itself."""
    return asyncio.run(work)


@dataclass
class Session:
    url: str
    project: str = field(default_factory=lambda: os.environ.get("COUNTERFOIL_PROJECT", "web"))
    environment: str = field(default_factory=lambda: os.environ.get("COUNTERFOIL_ENVIRONMENT", "production"))
    timeout: float = 10.0
    operator: bool = False
    """Whether the verb is an operator's: in development the local issuer then gives the operator's token."""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _said: bool = field(default=False, init=False)
    _known: WellKnown | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        refuse_clear(self.url, self.allow_http)

    def client(self, transport: Literal["http", "kafka"] = "http") -> Client:
        kafka, log_key = environment.kafka(self.env) if transport == "kafka" else None, environment.log_keys(self.env, None)
        return Client(self.url, self.token, transport, log_key=log_key, kafka=kafka, timeout=self.timeout, allow_http=self.allow_http)

    @property
    def allow_http(self) -> bool:
        return environment.allow_http(self.env, None)

    async def token(self, audience: str | None = None) -> Secret:
        return (await self.find(audience)).token

    async def find(self, audience: str | None = None) -> "Found":
        """What was given; in development the local issuer's, where the gateway on this machine names one; else the platform's or the login's."""
        from counterfoil.client.ambient.chain import AUDIENCE, Found, Tried, nobody

        given = bool(self.env.get(TOKEN) or self.env.get(FILE))
        local = None if given else await self._local(audience)
        if local is not None:
            return Found(local, (Tried("given", "absent", f"{TOKEN} is not set, {FILE} is not set"), Tried(LOCAL, "used")))
        env = {**self.env, AUDIENCE: audience} if audience else self.env
        try:
            found = await Identity(None, env, audience=self._audience).find()
        except NoIdentity as none:
            if given:
                raise
            why = f"a gateway in development would have named its local issuer, {self.url} does not"
            raise nobody([none.tried[0], Tried(LOCAL, "absent", why), *none.tried[1:]]) from None
        return found

    async def _audience(self) -> str:
        return (await self._gateway(Deadline(self.timeout))).audience

    async def _gateway(self, deadline: Deadline) -> WellKnown:
        """What it says of itself, asked once."""
        if self._known is None:
            door = Door(self.url)
            try:
                self._known = await door.known(deadline)
            finally:
                await door.close()
        return self._known

    async def _local(self, audience: str | None) -> Secret | None:
        deadline = Deadline(self.timeout)
        known = await self._gateway(deadline)
        subject = (known.operator or ADMIN) if self.operator else None
        found = await ask_local_issuer(known, self.url, audience, deadline, project=self.project, environment=self.environment, subject=subject)
        if found is not None and not self._said:
            self._said = True
            say(f"development identity {self.project}/{self.environment}{f' as {subject}' if subject else ''}, from {known.issuer}")
        return found

    @asynccontextmanager
    async def v1(self, token: Secret | None = None) -> AsyncIterator["V1"]:
        """The operators' door."""
        door = Door(self.url)
        try:
            yield V1(door, token or await self.token(), self.timeout)
        finally:
            await door.close()


@dataclass(frozen=True)
class V1:
    door: Door
    bearer: Secret
    timeout: float

    async def get(self, path: str, **query: str | None) -> Any:
        asked = {name: value for name, value in query.items() if value is not None}
        return await self.door.call("GET", f"/v1/{path}", Deadline(self.timeout), bearer=self.bearer, query=asked)

    async def every(self, collection: str, **query: str | None) -> list[dict[str, Any]]:
        """All pages of it."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self.get(collection, **query, cursor=cursor)
            found += page[collection.rpartition("/")[2]]
            cursor = page.get("next")
            if not cursor:
                return found

    async def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
        return await self.door.call("POST", f"/v1/{path}", Deadline(self.timeout), bearer=self.bearer, body=body, headers=headers)

    async def delete(self, path: str, **query: str) -> Any:
        return await self.door.call("DELETE", f"/v1/{path}", Deadline(self.timeout), bearer=self.bearer, query=query)
