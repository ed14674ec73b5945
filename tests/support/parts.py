"""The real parts for the tests: one Kafka and one PostgreSQL for the whole session, in a folder that goes away with it."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.dev import kafka as embedded_kafka
from services.dev import postgres as embedded_postgres
from services.dev.children import Children
from services.dev.ports import free_port


def password(role: str) -> str:
    """Roles belong to the whole server: whoever makes a database there lets them in by the same passwords."""
    return f"{role}-in-every-town"


def say(line: str) -> None:
    """Progress of the parts; shown by `pytest -s` and with a failed set-up."""
    print(line)  # noqa: T201


@pytest.fixture(scope="session", autouse=True)
def apart() -> Iterator[Path]:
    """Where root's PostgreSQL lives if it cannot live in the test's folder: reachable by everybody, and gone with the session."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        folder.chmod(0o755)
        patch.setenv("COUNTERFOIL_APART", name)
        yield folder


@pytest.fixture(scope="session")
async def children(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Children]:
    """The parts' processes; all of them end with the session."""
    async with Children(Path(tmp_path_factory.mktemp("parts"))) as started:
        yield started


@pytest.fixture(scope="session")
async def kafka(children: Children) -> str:
    """The bootstrap servers of the session's Kafka."""
    node = await embedded_kafka.start(children, free_port(), free_port(), say)
    return node.servers


@pytest.fixture(scope="session")
async def postgres_server(children: Children) -> embedded_postgres.Postgres:
    """The session's PostgreSQL, with its port and a DSN for any role."""
    return await embedded_postgres.start(children, free_port(), say)


@pytest.fixture(scope="session")
def postgres(postgres_server: embedded_postgres.Postgres) -> str:
    """The superuser's DSN of the session's PostgreSQL."""
    return postgres_server.superuser_dsn
