"""`make up`, as a person has it: the printed commands, a credential's whole life, and data that outlives whatever ends a run."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.dev.ports import HOST
from services.dev.town import MODULES
from tests.support.runs import pid_in
from tests.support.up import Up, family, living
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are looked up in /proc")
REFUSED = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)
GONE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.AdminShutdownError, OSError)
ENDED_WITHIN = 5
"""Seconds after its time that a lent session may still live: a promise, not a figure of this machine."""


@pytest.fixture(scope="module", name="up")
async def one_folder(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    """In a folder that is not there yet, as in a fresh checkout."""
    up = Up(tmp_path_factory.mktemp("up") / ".counterfoil")
    try:
        await up.start()
        yield up
    finally:
        await up.close()


async def dead(session: asyncpg.Connection) -> None:
    async def gone() -> bool:
        try:
            await session.execute("SELECT 1")
        except GONE:
            return True
        return False

    await until(gone)


async def lent(up: Up, *options: str) -> tuple[str, str]:
    """Its id, and its DSN."""
    found = await up.counterfoil("get", "postgres/demo", "--scope", "read", *options)
    return found["credential_id"], found["access_token"]


async def test_the_printed_commands_work_as_printed(up: Up):
    assert up.exports == f"export COUNTERFOIL_URL=http://{HOST}:{up.ports['gateway-http']}"
    get, run, tail = [await up.type(command) for command in up.printed]

    assert (get.code, run.code, tail.code) == (0, 0, 0), get.err + run.err + tail.err
    assert re.search(r"^credential_id +[0-9a-f-]{36}$", get.out, re.MULTILINE)
    assert re.search(r"^ cf_[0-9a-f]{32} +\| 20\d\d-", run.out, re.MULTILINE)
    seen = re.findall(r"(?:identity|grant|credential|revocation)\.\w+", tail.out)
    assert seen[-9:] == ["identity.verified", "grant.approved", "credential.minted"] * 2 + [
        "revocation.requested", "revocation.ordered", "credential.revoked",
    ]  # fmt: skip


async def test_the_card_says_where_everything_is(up: Up):
    for name in ("gateway-http", "console-http", "issuer", "kafka", "postgres"):
        assert f"{HOST}:{up.ports[name]}\n" in up.card
    assert f"{up.folder / 'logs'}\n" in up.card


async def test_the_printed_link_signs_one_in(up: Up):
    found = re.search(rf"http://{HOST}:{up.ports['console-http']}/login/once\?ticket=\S+", up.card)
    assert found
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as browser:
        page = await browser.get(found[0])

    assert (page.status_code, page.url.path) == (200, "/")
    assert "<strong>admin</strong>" in page.text


def test_nobody_else_can_enter_the_folder(up: Up):
    assert up.folder.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in up.folder.iterdir() if one.is_dir() and one.stat().st_mode & 0o077] == []


async def test_what_is_revoked_is_dead_open_session_and_new_login(up: Up):
    credential_id, dsn = await lent(up)
    session = await asyncpg.connect(dsn)
    assert await session.fetchval("SELECT count(*) FROM shop.customers") == 3

    revoked = await up.counterfoil("revoke", credential_id)

    assert revoked["state"] == "revoked"
    await dead(session)
    with pytest.raises(REFUSED):
        await asyncpg.connect(dsn)


async def test_a_session_held_past_its_time_is_dead_within_five_seconds(up: Up):
    _, dsn = await lent(up, "--lifetime", "2s")
    expires = datetime.now(UTC).timestamp() + 2
    session = await asyncpg.connect(dsn)

    await dead(session)

    assert datetime.now(UTC).timestamp() <= expires + ENDED_WITHIN
    with pytest.raises(REFUSED):
        await asyncpg.connect(dsn)


async def test_a_second_run_on_the_same_folder_says_who_has_it(up: Up):
    async with up.beside(up.folder) as second:
        await second.until(f"ERROR: {up.folder} is in use by process {up.run.process.pid}")
        assert await second.process.wait() == 1


async def test_ports_that_are_taken_are_all_named_with_what_to_set(up: Up, tmp_path: Path):
    async with up.beside(tmp_path / "other") as second:
        await second.until("What to do:")
        assert await second.process.wait() == 1
    said = "".join(second.said)
    assert f"port {up.ports['gateway-http']} is taken; gateway needs it, or another: COUNTERFOIL_PORT=<port>" in said
    assert f"port {up.ports['policy']} is taken; the health page of policy needs it, or another: COUNTERFOIL_POLICY_HEALTH_PORT=<port>" in said
    assert said.count(" is taken;") == len(up.ports)
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["policy", "issuer"])
async def test_a_service_that_dies_is_started_again_and_the_next_request_served(up: Up, name: str):
    before = pid_in(up.folder, name)
    os.kill(before, signal.SIGKILL)

    assert f"{name} ended (exit -9): started again" in await up.run.until("started again")
    await until(lambda: answers(up, name))

    assert pid_in(up.folder, name) != before
    credential_id, _ = await lent(up)
    assert (await up.counterfoil("revoke", credential_id))["state"] == "revoked"


async def answers(up: Up, name: str) -> bool:
    path = "readyz" if name in MODULES else "jwks"
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"http://{HOST}:{up.ports[name]}/{path}")).is_success
        except httpx.HTTPError:
            return False


async def test_a_restart_keeps_credentials_log_and_keys_and_mints_nothing_again(up: Up):
    credential_id, dsn = await lent(up)
    leaves, keys = await up.leaves(), {file: file.read_bytes() for file in up.folder.rglob("*.key")}
    children = family(up.run.process.pid)
    assert len(children) > len(MODULES) + 2

    assert await up.run.ended(signal.SIGTERM) == 0
    assert living(children) == []
    await up.start()

    assert {file: file.read_bytes() for file in up.folder.rglob("*.key")} == keys
    assert credential_id in {one["credential_id"] for one in (await up.counterfoil("credentials"))["credentials"]}
    again = await up.leaves()
    assert again[: len(leaves)] == leaves
    assert [one["leaf"]["fact"]["change"] for one in again[len(leaves) :]] == ["secret_set"]  # the broker's password is new with every run
    session = await asyncpg.connect(dsn)
    assert (await up.counterfoil("revoke", credential_id))["state"] == "revoked"
    await dead(session)


async def test_a_killed_run_leaves_nothing_that_stops_the_next_and_a_stopped_start_leaves_nothing_at_all(up: Up):
    credential_id, dsn = await lent(up)
    children = family(up.run.process.pid)
    await up.run.ended(signal.SIGKILL)

    await up.start(until="Services ...")
    assert living(children) == []
    await asyncio.sleep(0.5)  # they are being started now
    children = family(up.run.process.pid)
    assert await up.run.ended(signal.SIGTERM) == 0
    assert living(children) == []

    await up.start()
    await (await asyncpg.connect(dsn)).close()
    assert (await up.counterfoil("revoke", credential_id))["state"] == "revoked"
