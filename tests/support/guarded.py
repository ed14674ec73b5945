"""A Kafka that asks who is there: SCRAM users, and the rights that deploy/kafka/acls.sh grants by Kafka's own tool. One for the session."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from counterfoil.contracts import TOPICS
from counterfoil.wire import kafka_topics
from counterfoil.wire.kafka import Connection
from counterfoil.wire.secret import Secret
from deploy.acls import OPS, processes, roles
from services.dev import kafka as embedded
from services.dev.children import Children
from services.dev.kafka import FILES, Guard
from services.dev.ports import HOST, free_port
from tests.support import kafka_tools
from tests.support.parts import say

PREFIX = "guarded"
NOBODY = "nobody"
"""Known, and granted nothing."""
AT_ONCE = 3


@dataclass(frozen=True)
class Guarded:
    servers: str
    administrators: str
    passwords: Mapping[str, str] = field(repr=False)
    tool: Path

    def connection(self, role: str) -> Connection:
        return Connection(self.servers, PREFIX, f"{PREFIX}-{role}", Secret(self.passwords[role]))

    @property
    def administrator(self) -> Connection:
        return Connection(self.administrators, PREFIX)

    async def acls(self, *arguments: str) -> str:
        """deploy/kafka/acls.sh, as an administrator calls it."""
        env = {"COUNTERFOIL_KAFKA": self.administrators, "COUNTERFOIL_PREFIX": PREFIX, "KAFKA_ACLS": str(self.tool)}
        return await kafka_tools.finished("sh", str(FILES / "acls.sh"), *arguments, env=env)


@pytest.fixture(scope="session")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """Topics are made by `ops`, with no more than it was granted."""
    folder = tmp_path_factory.mktemp("guarded")
    passwords = {role: f"{role}-at-the-guarded-kafka" for role in (*roles(), NOBODY)}
    users = tuple(f"SCRAM-SHA-512=[name={PREFIX}-{role},password={password}]" for role, password in passwords.items())
    async with Children(folder) as own:
        admin_port = free_port()
        node = await embedded.start(own, free_port(), free_port(), say, guard=Guard(admin_port, users))
        tool = kafka_tools.program(folder / "kafka-acls.sh", await kafka_tools.classes(own), "org.apache.kafka.tools.AclCommand")
        made = Guarded(node.servers, f"{HOST}:{admin_port}", passwords, tool)
        await granted(made)
        await kafka_topics.create(made.connection(OPS), TOPICS, 4)
        yield made


async def granted(made: Guarded) -> None:
    """Role by role, so that several JVMs can start at once; a test of its own says that no argument means all processes."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def grant(role: str) -> None:
        async with turn:
            await made.acls(role)

    await asyncio.gather(*(grant(role) for role in roles()))
    assert set(processes()) < set(roles())
