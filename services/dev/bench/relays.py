"""The relays of a run: their topics, their database, their processes."""

import json
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from counterfoil.contracts import TOPICS
from counterfoil.wire import kafka_topics
from counterfoil.wire.kafka import Connection
from services.dev.bench.stand import Stand
from services.dev.jars import ROOT
from services.dev.spawn import Command
from services.dev.town import PARTITIONS

FIVE_TOPICS = ("verify", "authorize", "mint", "audit")
ECHO = ("echo",)


async def database(stand: Stand) -> str:
    """A role and a table of its own; by TCP and with a password, as our services come."""
    password, (host, port) = secrets.token_urlsafe(16), stand.plan.postgres
    server = await asyncpg.connect(stand.plan.superuser_dsn)
    try:
        await server.execute(f"CREATE ROLE relay LOGIN PASSWORD '{password}'")
        await server.execute("CREATE DATABASE relay OWNER relay")
    finally:
        await server.close()
    dsn = f"postgresql://relay:{password}@{host}:{port}/relay"
    ours = await asyncpg.connect(dsn)
    try:
        await ours.execute("CREATE TABLE passed (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bytes bytea NOT NULL)")
    finally:
        await ours.close()
    return dsn


async def ready() -> bool:
    """A first record waits for whoever is not there yet."""
    return True


@asynccontextmanager
async def relaying(stand: Stand, prefix: str, parts: Sequence[str], dsn: str) -> AsyncIterator[dict[str, int]]:
    """Their processes by name."""
    await kafka_topics.create(Connection(stand.plan.kafka, prefix), TOPICS, PARTITIONS)
    started = []
    for part in parts:
        told = {"part": part, "kafka": stand.plan.kafka, "prefix": prefix}
        env = {"RELAY": json.dumps(told), "RELAY_DATABASE": dsn, "PYTHONUNBUFFERED": "1"}
        command = Command(f"{prefix}-{part}", (sys.executable, "-m", "services.dev.bench.relay"), env=env, cwd=ROOT)
        started.append(await stand.children.start(command, ready))
    try:
        yield {child.command.name: child.process.pid for child in started}
    finally:
        for child in started:
            await stand.children.forget(child)
