"""How the command starts: with nothing that is not used, and with the verbs of a server's tree where there is one."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from counterfoil.cli import verbs
from counterfoil.cli.audit_group import SERVERS_OWN
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


OURS = [page for page in pages() if page.name.split()[0] in verbs.OURS and page.name.removeprefix("audit ") not in SERVERS_OWN]


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_a_verbs_help_loads_none_of_what_the_verb_needs(page: Page):
    done = subprocess.run([sys.executable, "-c", PROBE, *page.name.split(), "--help"], capture_output=True, text=True, check=True)

    assert f"  counterfoil {page.name}" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == "[] 0\n"


def test_without_typer_it_says_what_to_install():
    code = "import sys; sys.modules['typer'] = None; from counterfoil.cli.main import main; main(['get', 'a/b'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "pip install 'counterfoil[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def adding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, verbs.Server]]:
    """Somebody's package, installed beside ours."""

    def added(target: str) -> dict[str, verbs.Server]:
        folder = tmp_path / "other-1.0.dist-info"
        folder.mkdir()
        (folder / "entry_points.txt").write_text(f"[console_scripts]\na = b:c\n\n[{verbs.GROUP}]\nextra = {target}\n\n[more]\nd = e:f\n")
        monkeypatch.setattr(sys, "path", [str(tmp_path), "", "/no/such/folder"])
        return verbs.servers()

    return added


def test_our_own_are_found_as_everybody_finds_them():
    known = {one.name: one.value for one in entry_points(group=verbs.GROUP)}

    assert {name: one.target for name, one in verbs.servers().items()} == known
    assert {"keys", "up"} <= known.keys()


def test_a_server_verb_is_passed_over_where_its_tree_is_not_there(adding: Callable[[str], dict[str, verbs.Server]]):
    assert adding("no_such_tree.keys:app") == {}


def test_a_server_verb_is_found_and_one_that_cannot_be_loaded_is_an_error(adding: Callable[[str], dict[str, verbs.Server]]):
    found = adding("json.no_such_module:app")

    assert found.keys() == {"extra"}
    with pytest.raises(ModuleNotFoundError):
        found["extra"].load()


def test_what_came_from_elsewhere_steers_no_terminal():
    assert plain("a\x1b[2Jb\r\n") == "a?[2Jb??"
    assert plain(["x", None, 3]) == "x,,3"
