"""What failed beside the others is tried once more: named if it passes, red if it does not, and not at all where much failed."""

import subprocess
import sys
from pathlib import Path

import pytest

ONCE = """
from pathlib import Path
def test_late():
    here = Path("been"); been = here.exists(); here.touch()
    assert been
"""


def steady(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(code)
    return subprocess.run([sys.executable, "-m", "tests.steady", "-q", "test_it.py"], cwd=folder, text=True, capture_output=True, check=False)


def test_what_passes_alone_is_named(tmp_path: Path):
    ran = steady(tmp_path, ONCE + "def test_other(): pass")

    assert ran.returncode == 0
    assert "UNSTEADY: test_it.py::test_late failed beside the others and passed alone" in ran.stdout
    assert "1 failed, 1 passed" in ran.stdout


@pytest.mark.parametrize(
    ("code", "exit_code", "again"),
    [
        ("def test_right(): pass", 0, False),
        ("def test_wrong(): assert False", 1, True),
        ("def test_wrong(): assert False\n" + ONCE, 1, True),
        ("import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_wrong(n): assert False", 1, False),
        ("import no_such_thing", 2, False),
    ],
)
def test_what_is_wrong_stays_red(tmp_path: Path, code: str, exit_code: int, again: bool):
    ran = steady(tmp_path, code)

    assert ran.returncode == exit_code
    assert ("Once more" in ran.stdout, "UNSTEADY" in ran.stdout) == (again, False)
