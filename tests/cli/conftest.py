"""A shell for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.cli.shell import Shell, shell


@pytest.fixture
async def sh() -> AsyncIterator[Shell]:
    async with shell() as made:
        yield made
