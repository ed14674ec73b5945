"""What the documentation says is there: links, files, tests, commands, options, entries, names."""

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from counterfoil import Client, Credential
from counterfoil.cli.app import app
from counterfoil.cli.registry_file import read
from tests.docs.pages import PAGES, ROOT, anchors, blocks, commands, links, named, prose, rows, section

every_page = pytest.mark.parametrize("page", PAGES, ids=named)
PATH = re.compile(r"`((?:libs|services|tests|deploy|docs|schemas|requirements)/[\w./-]+?)(?:::(\w+))?`")
OPTION = re.compile(r"`(--?[a-z][a-z-]*)`")
CLI, HTTP = ROOT / "docs/reference/cli.md", ROOT / "docs/reference/http.md"
ROOT_COMMAND: Any = get_command(app)


def leaf_command(given: list[str]) -> tuple[Any, list[str]]:
    """The command that these arguments call, and what is left for it."""
    command = ROOT_COMMAND
    while hasattr(command, "list_commands"):
        found = command.get_command(None, given[0])
        assert found is not None, f"there is no verb {given[0]}"
        command, given = found, given[1:]
    return command, given


def verbs(command: Any = ROOT_COMMAND, path: str = "") -> list[str]:
    if not hasattr(command, "list_commands"):
        return [path]
    return [verb for name in command.list_commands(None) for verb in verbs(command.get_command(None, name), f"{path} {name}".strip())]


@every_page
def test_links_lead_somewhere(page: Path):
    for link in links(page):
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


def test_every_page_is_reached_from_the_index():
    index = ROOT / "docs/README.md"
    reached = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}

    assert {page for page in PAGES if page.is_relative_to(index.parent)} <= reached | {index}


@every_page
def test_files_and_tests_that_are_named_are_there(page: Path):
    for path, test in PATH.findall(prose(page)):
        assert (ROOT / path).exists(), path
        assert not test or re.search(rf"def {test}\(", (ROOT / path).read_text()), f"{path}::{test}"


@every_page
def test_commands_are_called_as_they_can_be(page: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COUNTERFOIL_KEYS_ROOT", "keys")  # the page exports it
    for block in blocks(page, "sh"):
        for given in commands(block):
            command, rest = leaf_command(given)
            command.make_context(" ".join(given), rest)


@every_page
def test_make_has_every_target_that_is_named(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = [one for block in blocks(page, "sh") for one in re.findall(r"^make ([a-z-]+)", block, re.MULTILINE)]

    assert {*re.findall(r"`make ([a-z-]+)", prose(page)), *called} <= targets


@pytest.mark.parametrize("verb", verbs())
def test_the_page_of_the_command_line_has_each_verb_with_its_options_and_no_others(verb: str):
    command, _ = leaf_command(verb.split())
    known = {option for one in command.params if one.param_type_name == "option" for option in (*one.opts, *one.secondary_opts)}

    assert set(OPTION.findall(section(CLI, f"### {verb}"))) == known - {"--help"}


def test_the_page_of_the_command_line_has_no_other_verbs():
    assert re.findall(r"^### (.+)$", CLI.read_text(), re.MULTILINE) == verbs()


@every_page
def test_registry_files_are_read_as_they_stand(page: Path, tmp_path: Path):
    for block in blocks(page, "yaml"):
        for name in re.findall(r"{file: ([\w.-]+)}", block):
            (tmp_path / name).write_text("secret\n")
        (tmp_path / "registry.yaml").write_text(block)
        assert read(tmp_path / "registry.yaml").entries


@every_page
def test_python_compiles_and_what_it_imports_is_there(page: Path):
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert [one.name for one in node.names if not hasattr(module, one.name)] == []


@every_page
def test_the_client_is_called_as_it_can_be(page: Path):
    calls = [node for block in blocks(page, "python") for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call)]
    for call in calls:
        given = {one.arg for one in call.keywords}
        if isinstance(call.func, ast.Name) and call.func.id == "Client":
            assert given <= set(inspect.signature(Client).parameters)
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "cf":
            assert given <= set(inspect.signature(getattr(Client, call.func.attr)).parameters)


@every_page
def test_what_is_read_from_a_credential_is_there(page: Path):
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("lent", "credential"):
                assert hasattr(Credential, node.attr)


def test_there_is_something_to_look_at():
    assert [page for page in PAGES if blocks(page, "yaml")]
    assert len([one for page in PAGES for block in blocks(page, "sh") for one in commands(block)]) > 30
    assert [page for page in PAGES if blocks(page, "python")]
    assert len(rows(HTTP.read_text())) > 40
