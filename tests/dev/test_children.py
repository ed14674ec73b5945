"""Children: logged, watched, ended in reverse order, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.dev import pids
from services.dev.children import Children, Ready
from services.dev.spawn import Command
from services.dev.trouble import Trouble
from tests.support.runs import pid_in, run

ENV = {"PATH": os.defpath}
KEEPER = str(Path(__file__).with_name("keeps_a_child.py"))


async def at_once() -> bool:
    return True


async def never() -> bool:
    return False


def says_up(log: Path) -> Ready:
    """Ready once it has said so: a shell that has not set its trap yet would simply die."""

    async def said() -> bool:
        return "up" in log.read_text()

    return said


def shell(name: str, script: str, patience: float = 20) -> Command:
    return Command(name, ("sh", "-c", script), env=ENV, patience=patience)


async def gone(pid: int) -> None:
    """Fails by its time limit alone."""
    async with asyncio.timeout(20):
        while pids.born(pid):  # noqa: ASYNC110 -- no event tells of a process that is not our child
            await asyncio.sleep(0.02)


async def test_each_child_has_a_log_of_its_own(tmp_path: Path):
    async with Children(tmp_path) as children:
        await children.finish(shell("one", "echo out; echo err >&2"))
        await children.finish(shell("two", "echo other"))

    assert (tmp_path / "logs" / "one.log").read_text() == "out\nerr\n"
    assert (tmp_path / "logs" / "two.log").read_text() == "other\n"


async def test_a_child_that_dies_early_is_an_error_with_its_last_lines(tmp_path: Path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "bad.log").write_text("from an earlier run\n")

    async with Children(tmp_path) as children:
        with pytest.raises(Trouble) as caught:
            await children.start(shell("bad", "echo no room on the disk; exit 3"), never)

    assert "bad ended at once (exit 3)" in caught.value.what
    assert "no room on the disk" in caught.value.what
    assert "earlier run" not in caught.value.what


async def test_a_child_that_is_never_ready_is_an_error(tmp_path: Path):
    async with Children(tmp_path) as children:
        with pytest.raises(Trouble, match="slow is not ready after"):
            await children.start(shell("slow", "exec sleep 600", patience=0.2), never)
        pid = pid_in(tmp_path, "slow")

    assert pids.born(pid) is None


async def test_a_child_that_dies_later_is_named(tmp_path: Path):
    async with Children(tmp_path) as children:
        await children.start(shell("steady", "exec sleep 600"), at_once)
        await children.start(shell("frail", "echo oh; exec sleep 600"), at_once)
        os.kill(pid_in(tmp_path, "frail"), signal.SIGKILL)

        with pytest.raises(Trouble, match="frail died"):
            await children.died()


async def test_they_end_in_reverse_order(tmp_path: Path):
    order = tmp_path / "order"
    async with Children(tmp_path) as children:
        for name in ("first", "second", "third"):
            script = f"trap 'echo {name} >> {order}; exit' TERM; echo up; while :; do sleep 0.05; done"
            await children.start(shell(name, script), says_up(tmp_path / "logs" / f"{name}.log"))

    assert order.read_text().split() == ["third", "second", "first"]


async def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pids, "PATIENCE", 0.2)
    async with Children(tmp_path) as children:
        await children.start(shell("deaf", "trap '' TERM; echo up; while :; do sleep 0.05; done"), says_up(tmp_path / "logs" / "deaf.log"))
        pid = pid_in(tmp_path, "deaf")

    assert pids.born(pid) is None


async def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path):
    async with run(KEEPER, str(tmp_path)) as first:
        await first.until("kept")

        with pytest.raises(Trouble) as caught:
            async with Children(tmp_path):
                pass

        assert f"in use by process {first.process.pid}" in caught.value.what
        assert pids.born(pid_in(tmp_path, "sleeper")) is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_run_that_is_asked_to_stop_ends_its_children_and_that_is_no_failure(tmp_path: Path, number: signal.Signals):
    async with run(KEEPER, str(tmp_path)) as keeper:
        await keeper.until("kept")
        child = pid_in(tmp_path, "sleeper")

        assert await keeper.ended(number) == 0

    assert pids.born(child) is None
    assert list((tmp_path / "run").glob("*.pid")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
async def test_a_killed_run_takes_its_children_with_it(tmp_path: Path):
    async with run(KEEPER, str(tmp_path)) as keeper:
        await keeper.until("kept")
        child = pid_in(tmp_path, "sleeper")

        await keeper.ended(signal.SIGKILL)

        await gone(child)


async def test_what_a_killed_run_left_is_ended_by_the_next(tmp_path: Path):
    left = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220, S607
    (tmp_path / "run").mkdir()
    pids.note(tmp_path / "run" / "old.pid", left.pid, signal.SIGTERM)

    async with Children(tmp_path):
        assert left.wait(timeout=20) == -signal.SIGTERM

    assert not (tmp_path / "run" / "old.pid").exists()


async def test_a_pid_that_belongs_to_another_process_by_now_is_left_alone(tmp_path: Path):
    stranger = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220, S607
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.pid").write_text(f"{stranger.pid} 15 born/long-ago\n")

    async with Children(tmp_path):
        assert stranger.poll() is None

    stranger.kill()
    stranger.wait(timeout=20)


async def test_its_folders_are_closed_to_others(tmp_path: Path):
    async with Children(tmp_path / "above" / "new") as children:
        modes = {folder.stat().st_mode & 0o777 for folder in (tmp_path / "above", children.folder, children.logs, children.run)}

    assert modes == {0o700}
