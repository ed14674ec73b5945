"""Ctrl-C in the midst of long work, to real processes: they end at once, say nothing of their insides, and everything is as it was."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.replay.logs import CONNECTOR, ISSUER, LINK, WORKLOADS, exchanges, recorder

COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background would ignore it
from counterfoil.cli.main import main
main(sys.argv[1:])
"""
LEAVES = 40_000
"""So many take every command longer than the way of a signal."""
POLICY = "forbid (principal, action, resource) when { context.lifetime > 100 };"
INTERRUPTED = 130
WORK = {"verify": ["--no-cache"], "rebuild": [], "backtest": ["--policy", "no-long.cedar"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export that has the same exchanges again and again, and a candidate policy."""
    made = tmp_path_factory.mktemp("long")
    log, changes = recorder(ISSUER, WORKLOADS, CONNECTOR, LINK)
    texts = [text.decode() for _, text in exchanges(log, range(70))]
    with (made / "log").open("w") as file:
        for index, text in enumerate(islice(chained([text.decode() for _, text in changes], texts), LEAVES)):
            file.write(json.dumps({"index": index, "leaf": text}, ensure_ascii=False) + "\n")
    (made / "no-long.cedar").write_text(POLICY)
    return made


def chained(first: list[str], again: list[str]) -> Iterator[str]:
    yield from first
    yield from cycle(again)


@pytest.mark.parametrize("verb", WORK)
def test_ctrl_c_ends_long_work_and_changes_nothing(verb: str, folder: Path):
    before = {one.name: one.stat() for one in folder.iterdir()}
    command = [sys.executable, "-c", COMMAND, "replay", verb, "--file", "log", *WORK[verb]]
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    try:
        said = os.read(terminal, 4096)  # the progress: it is in the midst of it
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    said += rest(terminal)

    assert process.returncode == INTERRUPTED, said
    assert b"%" in said or b"leaves" in said
    assert out == ""
    assert b"Traceback" not in said
    assert {one.name: (one.stat().st_size, one.stat().st_mtime_ns) for one in folder.iterdir()} == {
        name: (stat.st_size, stat.st_mtime_ns) for name, stat in before.items()
    }


def rest(terminal: int) -> bytes:
    """A terminal whose other side is closed says so by an error."""
    said = b""
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:
        pass
    finally:
        os.close(terminal)
    return said
