"""What a person types: `./counterfoil` from anywhere, `make help`, and locks that name no host."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.dev.jars import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script beside an interpreter that tells how it was called."""
    python = tmp_path / "a checkout" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$(pwd)|$PYTHONPATH|$*"\n')
    python.chmod(0o755)
    (python.parents[1] / ".ready").touch()
    shutil.copy(ROOT / "counterfoil", python.parents[2])
    return python.parents[2]


def call(script: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": "theirs"}
    return subprocess.run([script, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_command_runs_where_it_is_called_and_leaves_the_path_of_children_alone(checkout: Path, tmp_path: Path):
    done = call(checkout / "counterfoil", "get", "a b", cwd=tmp_path)

    assert done.stdout == f"{tmp_path}|theirs|-P -m counterfoil.cli.main get a b\n"


def test_the_command_works_by_a_relative_symlink_to_a_symlink(checkout: Path, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "one").symlink_to(Path("..", checkout.name, "counterfoil"))
    (tmp_path / "bin" / "two").symlink_to("one")

    assert call(tmp_path / "bin" / "two", "whoami", cwd=Path("/")).stdout == "/|theirs|-P -m counterfoil.cli.main whoami\n"


def test_without_set_up_the_command_says_what_to_run(checkout: Path):
    (checkout / ".venv" / ".ready").unlink()

    done = call(checkout / "counterfoil", cwd=checkout)

    assert done.returncode == 1
    assert "run make up first" in done.stderr


def test_make_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets is not None

    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607

    assert re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE) == targets[1].split()


def test_a_python_that_is_too_old_is_named_with_what_to_do(tmp_path: Path):
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)

    command = ["make", "-C", str(ROOT), "up", f"PYTHON={old}", f"READY={tmp_path}/.ready"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert "make PYTHON=" in done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_no_host_and_has_hashes_for_each_package(lock: Path):
    text = lock.read_text()
    packages = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]

    assert len(packages) > 10
    assert [package for package in packages if "==" not in package or "--hash=sha256:" not in package] == []
    assert "://" not in text


TOOLS = {"browser", "counterparts", "deployment", "mcp"}
"""Groups with programs that tests start, and nothing of ours is built from."""


def test_every_lock_pins_what_was_tested():
    tested = versions(ROOT / "requirements" / "test.txt")

    for lock in LOCKS:
        other = versions(lock) - tested
        assert names(other).isdisjoint(names(tested)), lock.name
        assert not other or lock.stem in TOOLS, lock.name


def names(pins: set[str]) -> set[str]:
    return {one.partition("==")[0] for one in pins}


def versions(lock: Path) -> set[str]:
    return set(re.findall(r"^[a-z0-9._-]+==[^ ;]+", lock.read_text(), re.MULTILINE))
