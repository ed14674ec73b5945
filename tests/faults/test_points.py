"""Every crash point stands in one place of the code, and the page has them all; a process dies at the one that it is told, and at no other."""

import ast
import re
import signal
import subprocess
import sys
from collections import Counter

import pytest

from counterfoil_server.runtime import crash
from counterfoil_server.runtime.settings import BadSetting, crashing
from tests.architecture.source import ROOT, calls, modules

PAGE = ROOT / "docs" / "reliability.md"


def passed() -> Counter[str]:
    """What is given to `crash.at`, or to a stage as `acked`."""
    found: Counter[str] = Counter()
    for module in modules("libs", "services"):
        for call in calls(module):
            texts = [one for one in call.args if ast.unparse(call.func) == "crash.at"] + [one.value for one in call.keywords if one.arg == "acked"]
            found.update(str(one.value) for one in texts if isinstance(one, ast.Constant) and isinstance(one.value, str))
    return found


def test_each_stands_in_exactly_one_place():
    assert passed() == Counter(crash.POINTS.keys())


def test_the_page_has_the_same_table():
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)

    assert dict(rows) == dict(crash.POINTS)
    assert len(rows) == len(crash.POINTS) == 26


@pytest.mark.parametrize(
    ("armed", "passages", "died_after"), [("mint.acked", 3, 0), ("mint.acked:3", 3, 2), ("mint.acked:4", 3, None), ("", 3, None)]
)
def test_a_process_dies_at_the_passage_that_was_named(armed: str, passages: int, died_after: int | None):
    code = (
        f"from counterfoil_server.runtime import crash\ncrash.arm(crash.read({armed!r}))\n"
        f"for number in range({passages}):\n    crash.at('mint.answered')\n    crash.at('mint.acked')\n    print(number, flush=True)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=ROOT, timeout=30)

    assert ended.returncode == (0 if died_after is None else -signal.SIGKILL)
    assert len(ended.stdout.split()) == (passages if died_after is None else died_after)


@pytest.mark.parametrize("text", ["mint.nowhere", "mint.acked:soon", ":1"])
def test_a_point_that_is_none_is_said(text: str):
    with pytest.raises(BadSetting, match="COUNTERFOIL_CRASH"):
        crashing(text, development=True)


def test_in_production_nothing_crashes_on_purpose():
    with pytest.raises(BadSetting, match="development"):
        crashing("mint.acked", development=False)
