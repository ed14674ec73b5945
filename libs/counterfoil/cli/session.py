"""One call of the command line: where the gateway is, who calls, and what the environment adds. Nothing else in cli/ reads it."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from counterfoil.cli.exits import say
from counterfoil.client.client import Client
from counterfoil.client.deadline import Deadline
from counterfoil.client.door import Door
from counterfoil.client.errors import NoIdentity
from counterfoil.client.identity import FILE, TOKEN, Identity
from counterfoil.client.local_issuer import ask_local_issuer
from counterfoil.client.well_known import refuse_clear
from counterfoil.wire.secret import Secret

ADMIN = "admin"
"""The operator's subject at the local issuer, where the gateway names no other."""


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

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        refuse_clear(self.url, self.allow_http)

    def client(self, transport: Literal["http", "kafka"] = "http") -> Client:
        kafka = None
        if transport == "kafka" and "COUNTERFOIL_KAFKA" in self.env:
            from counterfoil.cli.kafka import connection  # noqa: PLC0415 aiokafka is an extra

            kafka = connection(self.env)
        log_key = self.env.get("COUNTERFOIL_LOG_KEY", "").split()
        return Client(self.url, self.token, transport, log_key=log_key or None, kafka=kafka, timeout=self.timeout, allow_http=self.allow_http)

    @property
    def allow_http(self) -> bool:
        return self.env.get("COUNTERFOIL_ALLOW_HTTP") == "1"

    async def token(self, audience: str | None = None) -> Secret:
        """The environment's; in development, where it has none, the local issuer's."""
        try:
            return await Identity(None, self.env).token()
        except NoIdentity as none:
            if self.env.get(TOKEN) or self.env.get(FILE):
                raise
            found = await self._local(audience)
            if found is None:
                fix = f"{none.fix}; a gateway in development would have named its local issuer, {self.url} does not"
                raise NoIdentity(none.code, none.message.replace("no token was given; ", ""), fix=fix) from None
            return found

    async def _local(self, audience: str | None) -> Secret | None:
        door, deadline = Door(self.url), Deadline(self.timeout)
        try:
            known = await door.known(deadline)
            subject = (known.operator or ADMIN) if self.operator else None
            found = await ask_local_issuer(known, self.url, audience, deadline, project=self.project, environment=self.environment, subject=subject)
        finally:
            await door.close()
        if found is not None and not self._said:
            self._said = True
            say(f"development identity {self.project}/{self.environment}{f' as {subject}' if subject else ''}, from {known.issuer}")
        return found

    @asynccontextmanager
    async def v1(self) -> AsyncIterator["V1"]:
        """The operators' door."""
        door = Door(self.url)
        try:
            yield V1(door, await self.token(), self.timeout)
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

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return await self.door.call("POST", f"/v1/{path}", Deadline(self.timeout), bearer=self.bearer, body=body)

    async def delete(self, path: str) -> Any:
        return await self.door.call("DELETE", f"/v1/{path}", Deadline(self.timeout), bearer=self.bearer)
