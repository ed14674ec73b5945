"""The pages of reference that stand beside tables in the code: codes and addresses."""

import re
from unittest.mock import MagicMock

from services.gateway import routes
from services.gateway.v1_entries import of_every_kind
from tests.docs import codes
from tests.docs.pages import ROOT, rows, section

ERRORS, HTTP = ROOT / "docs/reference/errors.md", ROOT / "docs/reference/http.md"
SAID = "## What an exchange, or a call to the gateway, can answer"


def bare(cell: str) -> str:
    return cell.strip("`")


def test_each_code_has_the_row_that_the_code_gives_it():
    found = {(bare(row[0]), *row[1:6]) for row in rows(section(ERRORS, SAID))}

    assert found == set(codes.answers())


def test_a_row_says_what_it_means():
    assert all(len(row) == 7 and row[6] for row in rows(section(ERRORS, SAID)))


def test_every_code_that_anybody_knows_is_on_the_page():
    said = {bare(row[0]) for row in rows(section(ERRORS, SAID))}

    assert codes.known() - said == codes.NOT_YET
    assert all(f"`{code}`" in ERRORS.read_text() for code in codes.NOT_YET)


def test_the_clients_own_codes_are_those_that_it_raises():
    found = {(bare(row[0]), row[1]) for row in rows(section(ERRORS, "## What the SDK and the command line say by themselves"))}

    assert found == codes.of_the_client()


def test_the_codes_of_dead_letters_are_those_that_are_buried_under():
    assert {bare(row[0]) for row in rows(section(ERRORS, "## Why a message became a dead letter"))} == codes.of_dead_letters()


def test_the_addresses_are_the_gateways():
    doors = MagicMock(entries=of_every_kind(MagicMock(), MagicMock(), MagicMock()))
    wanted = {(re.sub(r":path", "", path), tuple(sorted(methods))) for path, methods, _ in (*routes.oauth(doors), *routes.others(doors))}
    by_path: dict[str, set[str]] = {}
    for path, methods in wanted:
        by_path.setdefault(path, set()).update(methods)
    said: dict[str, set[str]] = {}
    for row in (row for row in rows(section(HTTP, "## Addresses")) if len(row) == 4):
        for path in row[1].split(", "):
            said.setdefault(bare(path), set()).update(row[0].split(", "))

    assert said == by_path
