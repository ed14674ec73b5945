"""docs/reference/settings.md names every COUNTERFOIL_* variable where it is read, and none that nobody reads."""

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

from services.dev.settings import Settings
from tests.architecture.source import ROOT, Module, modules, parsed

VARIABLE = re.compile(r"COUNTERFOIL_[A-Z][A-Z_]*[A-Z]")
PAGE = ROOT / "docs" / "reference" / "settings.md"
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Every service": ("counterfoil_server",),
    "The gateway": ("services.gateway",),
    "The console": ("services.console",),
    "Audit": ("services.audit",),
    "A witness": ("services.witness",),
    "Clients and the command line": ("counterfoil",),
    "`make up` and `make bench`": ("services.dev",),
    "`counterfoil keys`": ("services.ops.keys",),
    "Setting up": ("services.ops.setup",),
}
"""Whose variables a section has."""
PUT_TOGETHER = "services.dev.settings"
"""Where the names of ports are put together; it is asked for them."""


class Asked(Mapping[str, str]):
    """An environment that is empty, and remembers what was looked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read(module: Module) -> set[str]:
    """Every such name as a text of its own, save where it is set for somebody else: as a dict's key, or assigned to."""
    given = {id(key) for node in module.nodes if isinstance(node, ast.Dict) for key in node.keys}
    given |= {id(node.slice) for node in module.nodes if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)}
    found = {node.value for node in module.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in given}
    return {text for text in found if VARIABLE.fullmatch(text)} | (asked() if module.name == PUT_TOGETHER else set())


def asked() -> set[str]:
    env = Asked()
    Settings.read(env)
    return env.names


def put_together(module: Module) -> list[str]:
    starts = (node.values[0] for node in module.nodes if isinstance(node, ast.JoinedStr) and node.values)
    return [str(one.value) for one in starts if isinstance(one, ast.Constant) and re.fullmatch(r"COUNTERFOIL_[A-Z_]*", str(one.value))]


def documented(text: str) -> Mapping[str, set[str]]:
    """By section: the first cell of each row."""
    found: dict[str, set[str]] = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        found[title.strip()] = {name for line in body.splitlines() if line.startswith("| `") for name in VARIABLE.findall(line.split("|")[1])}
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_has_what_its_code_reads_and_no_more(section: str):
    assert documented(PAGE.read_text())[section] == {name for module in modules() if module.within(*SECTIONS[section]) for name in read(module)}


def test_there_is_no_other_section_and_no_other_reader():
    others = [module for module in modules("libs", "services") if not any(module.within(*packages) for packages in SECTIONS.values())]

    assert set(documented(PAGE.read_text())) == set(SECTIONS)
    assert {f"{module}: {name}" for module in others for name in read(module)} == set()


def test_nobody_puts_a_name_together_where_it_cannot_be_found():
    assert [str(module) for module in modules() if put_together(module) and module.name != PUT_TOGETHER] == []


def test_who_contributes_finds_the_page():
    assert "docs/reference/settings.md" in (ROOT / "CONTRIBUTING.md").read_text()


def test_what_the_shell_and_the_readme_name_is_on_the_page():
    named = {name for path in ("Makefile", "counterfoil", "README.md", "CONTRIBUTING.md") for name in VARIABLE.findall((ROOT / path).read_text())}

    assert named <= {name for names in documented(PAGE.read_text()).values() for name in names}


def test_what_is_read_is_told_from_what_is_given_on():
    reads = 'a = env["COUNTERFOIL_AB"], get("COUNTERFOIL_BC"), "COUNTERFOIL_CD" in env'
    gives = 'child = {"COUNTERFOIL_DE": 1}; env["COUNTERFOIL_EF"] = "set COUNTERFOIL_FG"'
    module = parsed(f"{reads}; {gives}")

    assert read(module) == {"COUNTERFOIL_AB", "COUNTERFOIL_BC", "COUNTERFOIL_CD"}
    assert put_together(parsed('x = f"COUNTERFOIL_{name}"')) == ["COUNTERFOIL_"]
