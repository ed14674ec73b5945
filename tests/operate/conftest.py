"""Servers that a test may lose: a PostgreSQL of its own, apart from the session's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.dev import postgres
from services.dev.children import Children
from services.dev.ports import free_port
from services.dev.postgres import Postgres
from tests.support.parts import say


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is shown here is shown on the real parts, stopped and started again and again: `make test-operate` has the time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.real)
            item.add_marker(pytest.mark.operating)


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Postgres]:
    async with Children(folder) as children:
        yield await postgres.start(children, free_port(), say)
