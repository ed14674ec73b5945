"""PostgreSQL 16 or later: a role for one credential, that really dies.

https://www.postgresql.org/docs/current/sql-createrole.html
"""

import asyncio
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.postgres import groups, hands, roles, scram
from services.providers.postgres.pools import Pools, Where, deadline, within
from services.providers.postgres.rights import Name, rights
from services.providers.postgres.undertaker import Undertaker
from services.providers.seam import (
    Declared,
    Details,
    Handle,
    Idempotency,
    Minted,
    Order,
    Reach,
    Refused,
    Revocation,
    Root,
    Unavailable,
    Unknown,
    answer,
    read,
)  # fmt: skip

PROVEN_AGAINST = "PostgreSQL itself, 18, in every test run: roles that are really made, used, narrowed, ended with their sessions, and read back."
WORTH_A_THREAD = 256
OURS = re.compile(r"cf_[0-9a-f]{32}")


class Config(Declared):
    host: str = Field(pattern=r"^[A-Za-z0-9._:-]+$")
    port: int = Field(default=5432, ge=1, le=65535)
    database: Name
    broker: Name = Field(description="a role with CREATEROLE and pg_signal_backend that may pass on what is offered; no superuser")
    schemas: tuple[Name, ...] = Field(strict=False, min_length=1, description="what is offered")
    sslmode: Literal["disable", "prefer", "require", "verify-full"] = "prefer"
    scram_iterations: int = Field(default=4096, ge=1, le=1_000_000, description="drivers on the JVM refuse fewer than 4096")
    connection_limit: int = Field(default=10, ge=1, le=1000)
    sole: bool = Field(default=False, description="nobody else lends by this broker: a role of its making that the ledger does not know is ended")

    def where(self) -> Where:
        return Where(self.host, self.port, self.database, self.broker, self.sslmode)


class RootSecret(Declared):
    password: Secret


class Postgres:
    name = "postgres"
    documentation = "https://www.postgresql.org/docs/current/sql-createrole.html"
    revocation = Revocation.BY_NAME
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.BY_NAME
    ends_by_itself = False  # VALID UNTIL stops new logins only
    shortest = timedelta(seconds=1)
    longest = timedelta(days=1)
    window = timedelta(seconds=5)
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._pools = Pools()
        # A hand that has lent 200 roles or so gives way to the next. No wait for the disk: a role that a crash of the server forgets is one
        # that nobody can log in with. Killing waits.
        self._lending = Pools(hands.become_one, queries=400, synchronous_commit="off")
        self._groups = groups.Groups(self._pools)
        self._undertaker = Undertaker(self._pools)

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        rights(scopes, details, read(Config, config, "config").schemas)

    async def mint(self, order: Order, root: Root) -> Minted:
        config, until = read(Config, order.config, "config"), deadline()
        wanted, lent = rights(order.scopes, order.details, config.schemas), Secret(secrets.token_urlsafe(32))
        words = {
            "name": named(order.credential_id), "verifier": await verifier(lent, config.scram_iterations), "limit": config.connection_limit,
            "closes": order.window_closes_at.astimezone(UTC).isoformat(), "until": order.expires_at.astimezone(UTC).isoformat(),
        }  # fmt: skip
        for _ in range(2):
            group = await self._groups.ensure(config.where(), password(root), wanted, until)
            async with self._lending.connection(config.where(), password(root), until) as connection, within(until, Unknown):
                oid = await roles.lend(connection, group, words)
            if oid:
                handle: Handle = {"role": words["name"], "oid": oid}
                return Minted(dsn(config, str(words["name"]), lent), "N_A", handle, order.scopes, order.details, order.expires_at)
            self._groups.forget(config.where(), group)
        raise Unavailable("group_gone", "the group of this narrowing was dropped while the role joined it")

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None = None) -> bool:  # noqa: ARG002  # by name
        where, name, until = read(Config, config, "config").where(), str(handle.get("role")), deadline()
        if not OURS.fullmatch(name):
            raise Refused("not_ours", "the handle names no role that was lent")
        async with self._pools.connection(where, password(root), until) as connection, within(until, Unavailable):
            lent = await roles.find(connection, name)
            if lent is None and isinstance(oid := handle.get("oid"), int):
                await roles.end_sessions(connection, [oid])
        if lent:
            async with within(until, Unknown):
                await self._undertaker.bury(where, password(root), lent)
        return lent is not None

    def handle(self, credential_id: UUID) -> Handle:
        return {"role": named(credential_id)}

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:
        until = deadline()
        async with self._pools.connection(read(Config, config, "config").where(), password(root), until) as connection, within(until, Unavailable):
            return {UUID(row["rolname"][3:]): {"role": row["rolname"], "oid": row["oid"]} for row in await connection.fetch(roles.ALIVE)}

    def sole(self, config: Mapping[str, object]) -> bool:
        return read(Config, config, "config").sole

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:
        where, until = read(Config, config, "config").where(), deadline()
        async with self._pools.connection(where, password(root), until) as connection, within(until, Unavailable):
            return await groups.sweep(connection, where)

    async def close(self) -> None:
        await self._pools.close()
        await self._lending.close()


def provider() -> Postgres:
    return Postgres()


def named(credential_id: UUID) -> str:
    return f"cf_{credential_id.hex}"


def password(root: Root) -> Secret:
    return read(RootSecret, root, "root").password


async def verifier(lent: Secret, iterations: int) -> str:
    """4,096 iterations take two milliseconds, and the loop shall not wait for them."""
    salt = secrets.token_bytes(16)
    if iterations < WORTH_A_THREAD:
        return scram.verifier(lent.reveal(), salt, iterations)
    return await asyncio.to_thread(scram.verifier, lent.reveal(), salt, iterations)


def dsn(config: Config, name: str, lent: Secret) -> Secret:
    host = f"[{config.host}]" if ":" in config.host else config.host
    mode = "" if config.sslmode == "prefer" else f"?sslmode={config.sslmode}"
    token = f"postgresql://{name}:{lent.text()}@{host}:{config.port}/{quote(config.database, safe='')}{mode}"
    return answer(token, "N_A", username=name, password=lent.text(), host=config.host, port=str(config.port), database=config.database)
