"""How the command starts: with nothing that is not used, and with the verbs of a server's tree where there is one."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from unittest.mock import patch

import pytest

from counterfoil.cli import verbs
from counterfoil.cli.help_pages import Page, pages
from counterfoil.cli.printing import plain

HEAVY = ("httpx", "aiokafka", "pydantic", "cryptography", "rich", "asyncio", "yaml")
PROBE = f"""
import sys
from counterfoil.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as done:
    print([name for name in {HEAVY} if name in sys.modules], done.code, file=sys.stderr)
"""


def test_help_loads_none_of_what_a_verb_needs():
    done = subprocess.run([sys.executable, "-c", PROBE, "--help"], capture_output=True, text=True, check=True)

    assert all(verb in done.stdout for verb in verbs.OURS)
    assert done.stderr == "[] 0\n"


@pytest.mark.parametrize("page", [page for page in pages() if page.name.split()[0] in verbs.OURS], ids=lambda page: page.name)
def test_a_verbs_help_loads_none_of_what_the_verb_needs(page: Page):
    done = subprocess.run([sys.executable, "-c", PROBE, *page.name.split(), "--help"], capture_output=True, text=True, check=True)

    assert f"  counterfoil {page.name}" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == "[] 0\n"


def entry(module: str) -> EntryPoint:
    return EntryPoint("extra", f"{module}:app", verbs.GROUP)


def found(*entries: EntryPoint) -> dict[str, EntryPoint]:
    with patch("importlib.metadata.entry_points", lambda **_: entries):
        return verbs.servers()


def test_a_server_verb_is_passed_over_only_where_its_tree_is_not_there():
    assert found(entry("no_such_tree.keys")) == {}
    assert found(entry("json.no_such_module")).keys() == {"extra"}


def test_a_server_verb_that_cannot_be_loaded_is_an_error():
    with pytest.raises(ModuleNotFoundError):
        found(entry("json.no_such_module"))["extra"].load()


def test_what_came_from_elsewhere_steers_no_terminal():
    assert plain("a\x1b[2Jb\r\n") == "a?[2Jb??"
    assert plain(["x", None, 3]) == "x,,3"
