"""A database `demo` on a server of its own, and what a connector of it says.

On the session's server a town may lend, sweep and make roles by the same broker at any moment.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from counterfoil.wire.secret import Secret
from services.dev import demo as embedded_demo
from services.dev import postgres as embedded_postgres
from services.dev.children import Children
from services.dev.ports import HOST, free_port
from services.dev.postgres import Postgres
from tests.support.parts import say

BROKER_PASSWORD = "the-broker-of-the-demo"


@dataclass(frozen=True)
class Demo:
    server: Postgres
    config: dict[str, object]
    root: dict[str, Secret]


@pytest.fixture(scope="session")
async def demo(apart: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:  # noqa: ARG001  # where root's server may live
    async with Children(Path(tmp_path_factory.mktemp("demo"))) as started:
        server = await embedded_postgres.start(started, free_port(), say)
        secret = Secret(BROKER_PASSWORD)
        await embedded_demo.prepare(server.superuser_dsn, secret)
        yield Demo(server, embedded_demo.config(HOST, server.port), {"password": secret})
