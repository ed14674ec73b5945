"""PostgreSQL runs for root too, and no permission of an existing folder is changed for it."""

import os
import stat
from pathlib import Path

import pytest

from services.dev import pids, postgres_user
from services.dev import postgres as embedded
from services.dev.children import Children
from services.dev.ports import free_port
from services.dev.trouble import Trouble
from tests.support.parts import say
from tests.support.runs import pid_in
from tests.support.sql import ask

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")


def modes(folder: Path) -> dict[Path, tuple[int, int, int]]:
    seen = {path: path.stat() for path in (folder, *folder.parents)}
    return {path: (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) for path, status in seen.items()}


async def test_it_runs_below_a_closed_folder_and_changes_no_permission(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "here").mkdir(mode=0o700)
    before = modes(closed / "here")

    async with Children(closed / "here") as children:
        server = await embedded.start(children, free_port(), say)

        assert await ask(server.superuser_dsn, "select 1") == 1
        assert modes(closed / "here") == before
    assert {path.stat().st_uid for path in closed.rglob("*")} == {os.geteuid()}


@as_root
async def test_as_root_without_user_namespaces_it_runs_apart_under_a_user_of_no_power(tmp_path: Path, apart: Path):
    (tmp_path / "closed").mkdir(mode=0o700)
    before = modes(tmp_path / "closed")
    how = postgres_user.apart(tmp_path / "closed" / "postgres", under=apart)

    async with Children(tmp_path / "closed") as children:
        server = await embedded.start(children, free_port(), say, how)

        assert await ask(server.superuser_dsn, "select 1") == 1
        assert Path(f"/proc/{pid_in(tmp_path / 'closed', 'postgres')}").stat().st_uid == how.uid != 0
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
        assert modes(tmp_path / "closed") == before
    assert pids.born(server.child.process.pid) is None


@as_root
def test_a_folder_apart_that_others_may_write_is_refused(tmp_path: Path, apart: Path):
    ours = postgres_user.apart(tmp_path, under=apart).home
    ours.chmod(0o777)

    with pytest.raises(Trouble, match="not a folder of root alone"):
        postgres_user.apart(tmp_path, under=apart)
