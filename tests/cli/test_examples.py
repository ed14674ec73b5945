"""Every example that a --help gives is one that can be called."""

import re
from typing import Any

import pytest
import typer

from counterfoil.cli.help_pages import Page, pages
from tests.docs.pages import arguments

PAGES = list(pages())
CALL = re.compile(r"(?<![\w./-])counterfoil ")


def calls(example: str) -> list[list[str]]:
    return [list(arguments(example[hit.end() :])) for hit in CALL.finditer(example)]


def parsed(given: list[str]) -> None:
    from counterfoil.cli.app import app  # noqa: PLC0415 as in the command itself

    command: Any = typer.main.get_command(app)
    while hasattr(command, "list_commands"):
        found = command.get_command(typer.Context(command), given[0])
        assert found is not None, given
        command, given = found, given[1:]
    command.make_context("counterfoil", given)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_verb_has_examples_of_itself(page: Page):
    said = [" ".join(call) + " " for example in page.examples for call in calls(example)]

    assert any(one.startswith(f"{page.name} ") for one in said)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_examples_can_be_called(page: Page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COUNTERFOIL_KEYS_ROOT", "keys")
    for example in page.examples:
        assert calls(example) or "counterfoil" in example
        for given in calls(example):
            parsed(given)


def test_an_example_that_cannot_be_called_is_found():
    with pytest.raises(typer.BadParameter):
        parsed(["get", "postgres/demo", "--timeout", "soon"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_says_what_it_is(page: Page):
    assert [names for names, text in page.options if not text] == []
