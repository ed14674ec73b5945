"""Everything here is about what stands behind the seam; whoever asks for the demo database needs the real PostgreSQL."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.providers.counter import Counter, desk_of
from tests.providers.liar import Liar, lying
from tests.support.apiserver import running as apiserver_running
from tests.support.aws import Cloud, reigning
from tests.support.demo import Demo, demo
from tests.support.github_user import GitHub as GitHubOfUsers
from tests.support.github_user import lending
from tests.support.gitlab import GitLab, playing
from tests.support.google import Google, cloudy
from tests.support.iam import simulating
from tests.support.kubernetes import Cluster, standing
from tests.support.linear import linear
from tests.support.mcp import serving_notes
from tests.support.oidc import running
from tests.support.rgw import storing
from tests.support.slack import Slack, chatting

__all__ = ["apiserver_running", "counter", "demo", "linear", "running", "serving_notes", "simulating", "storing"]


@pytest.fixture
async def gitlab() -> AsyncIterator[GitLab]:
    async with playing() as made:
        yield made


@pytest.fixture
async def github_of_users() -> AsyncIterator[GitHubOfUsers]:
    async with lending() as made:
        yield made


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with reigning() as made:
        yield made


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    async with cloudy() as made:
        yield made


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with chatting() as made:
        yield made


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with standing() as made:
        yield made


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


@pytest.fixture
async def counter(demo: Demo) -> AsyncIterator[Counter]:  # a fixture is asked for by its name
    superuser = await asyncpg.connect(demo.server.superuser_dsn, database="demo")
    made = Counter(desk_of(demo), superuser, demo)
    yield made
    await made.clear()
