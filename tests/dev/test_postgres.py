"""The embedded PostgreSQL: version 18, durable, and it starts again whatever ended it."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from services.dev import postgres as embedded
from services.dev import postgres_socket
from services.dev.children import Children
from services.dev.ports import HOST, free_port
from services.dev.spawn import Command
from services.dev.trouble import Trouble
from tests.support.parts import say
from tests.support.runs import pid_in
from tests.support.sql import ask, run

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("synchronous_commit", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("max_connections", "200"),
        ("listen_addresses", HOST),
        ("data_checksums", "on"),
    ],
)
async def test_it_is_durable_and_listens_here_alone(postgres: str, setting: str, value: str):
    assert await ask(postgres, f"show {setting}") == value


async def test_it_is_version_18(postgres: str):
    assert str(await ask(postgres, "show server_version_num")).startswith("18")


async def test_data_survives_a_restart_on_another_port(tmp_path: Path):
    async with Children(tmp_path) as children:
        server = await embedded.start(children, free_port(), say)
        await run(server.superuser_dsn, "create table kept as select 7 as number")

    async with Children(tmp_path) as children:
        server = await embedded.start(children, free_port(), say)

        assert await ask(server.superuser_dsn, "select number from kept") == 7


async def at_once() -> bool:
    return True


async def test_it_starts_after_a_crash_although_its_pid_is_another_programs_by_now(tmp_path: Path):
    async with Children(tmp_path) as children:
        server = await embedded.start(children, free_port(), say)
        await run(server.superuser_dsn, "create table kept as select 7 as number")
        lock = server.data / "postmaster.pid"
        crashed = lock.read_text()
        os.kill(pid_in(tmp_path, "postgres"), signal.SIGKILL)

    async with Children(tmp_path) as children:
        await children.start(Command("stranger", ("sleep", "600"), env={"PATH": os.defpath}), at_once)
        lock.write_text(crashed.replace(crashed.split("\n", 1)[0], str(pid_in(tmp_path, "stranger")), 1))
        server = await embedded.start(children, free_port(), say)

        assert await ask(server.superuser_dsn, "select number from kept") == 7


async def test_a_lock_file_of_a_living_server_stays(children: Children, postgres_server: embedded.Postgres):
    embedded.forget_a_stranger(postgres_server.data)

    assert int((postgres_server.data / "postmaster.pid").read_text().split()[0]) == pid_in(children.folder, "postgres")


async def test_a_taken_port_is_told_before_anything_is_made(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        async with Children(tmp_path) as children:
            with pytest.raises(Trouble, match="COUNTERFOIL_POSTGRES_PORT"):
                await embedded.start(children, taken.getsockname()[1], say)

    assert not (tmp_path / "postgres").exists()


async def test_a_deep_checkout_has_a_socket_all_the_same(tmp_path: Path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)

    async with Children(deep) as children:
        server = await embedded.start(children, free_port(), say)

        assert await ask(server.superuser_dsn, "select 1") == 1
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    server.socket.rmdir()  # outside of the test's folder, since that is too deep


def test_a_short_folder_that_is_open_to_others_is_refused(tmp_path: Path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)

    with pytest.raises(Trouble, match="open to others"):
        postgres_socket.ours_alone(tmp_path / "open")
