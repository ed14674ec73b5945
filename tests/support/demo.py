"""The session's database `demo`, and what a connector of it says."""

from dataclasses import dataclass

import pytest

from counterfoil.wire.secret import Secret
from services.dev import demo as embedded_demo
from services.dev.ports import HOST
from services.dev.postgres import Postgres

BROKER_PASSWORD = "the-broker-of-the-demo"


@dataclass(frozen=True)
class Demo:
    server: Postgres
    config: dict[str, object]
    root: dict[str, Secret]


@pytest.fixture(scope="session")
async def demo(postgres_server: Postgres) -> Demo:
    secret = Secret(BROKER_PASSWORD)
    await embedded_demo.prepare(postgres_server.superuser_dsn, secret)
    return Demo(postgres_server, embedded_demo.config(HOST, postgres_server.port), {"password": secret})
