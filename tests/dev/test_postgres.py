"""The embedded PostgreSQL: durable, and no way in without a password but the superuser's socket."""

import asyncpg
import pytest

pytestmark = pytest.mark.real


async def test_it_is_version_18_and_makes_commits_durable(postgres: str):
    connection = await asyncpg.connect(postgres)

    shown = [await connection.fetchval(f"show {name}") for name in ("server_version_num", "synchronous_commit", "fsync", "max_connections")]

    await connection.close()
    assert shown[0].startswith("18")
    assert shown[1:] == ["on", "on", "200"]
