"""counterfoil explain: what it asks, what it says of the answer, and a nearest grant that can be pasted."""

import json
import shlex
from typing import Any

import pytest

from counterfoil.cli import sugar
from counterfoil.cli.wishes import line
from tests.cli.shell import Shell

GRANTED = {"granted": True, "code": None, "rule": "web/production->postgres/demo", "scopes": ["read"], "lifetime": 300, "revision": 7}
DENIED = {"granted": False, "code": "beyond_ceiling", "message": "beyond the ceiling", "rule": "web/production->postgres/demo",
          "beyond": ["write"], "nearest": {"scopes": ["read"], "details": [], "lifetime": 300}}  # fmt: skip


def answering(sh: Shell, answer: dict[str, Any]) -> None:
    sh.gateway.says["/v1/explain"] = lambda _: (200, answer)


async def test_what_would_be_granted_is_told_with_its_rule(sh: Shell):
    answering(sh, GRANTED)
    said = await sh("explain", "postgres/demo", "--scope", "read", "-l", "5m")

    assert said.code == 0
    assert "granted" in said.out
    assert "web/production->postgres/demo" in said.out
    assert sh.gateway.asked[-1].body == {"connector": "postgres/demo", "scopes": ["read"], "lifetime": 300}


async def test_a_denial_is_three_and_has_the_nearest_grant_as_a_line(sh: Shell):
    answering(sh, DENIED)
    said = await sh("explain", "postgres/demo", "--scope", "write")

    assert said.code == 3
    assert "beyond_ceiling" in said.out
    assert "write" in said.out
    assert "nearest: counterfoil get postgres/demo --scope read --lifetime 300\n" in said.err


async def test_the_line_that_is_offered_asks_for_just_that(sh: Shell):
    answering(sh, DENIED)
    offered = (await sh("explain", "postgres/demo")).err.splitlines()[-1].removeprefix("nearest: counterfoil ")
    await sh(*shlex.split(offered))

    (asked,) = sh.gateway.at("/oauth2/token")
    assert (asked.body["scope"], asked.body["requested_lifetime"]) == ("read", "300")


async def test_a_link_elsewhere_is_named(sh: Shell):
    answering(sh, {"granted": False, "code": "no_link", "nearest": {"environments": ["production"]}})

    assert "linked in: production" in (await sh("explain", "postgres/demo")).err


async def test_who_may_not_know_why_is_told_no_more(sh: Shell):
    answering(sh, {"granted": False, "code": "denied", "message": "denied"})
    said = await sh("explain", "postgres/demo", "-o", "token")

    assert (said.code, said.out, said.err) == (3, "denied\n", "")


async def test_an_operator_asks_for_somebody_else(sh: Shell):
    answering(sh, GRANTED)
    said = await sh("explain", "postgres/demo", "--as", "web/preview", "-o", "json")

    assert json.loads(said.out) == GRANTED
    assert sh.gateway.asked[-1].body["as"] == {"project": "web", "environment": "preview"}


@pytest.mark.parametrize("argv", [("--as", "web"), ("--repo", "acme/site"), ("--lifetime", "soon")])
async def test_a_call_that_cannot_be_read_is_two(sh: Shell, argv: tuple[str, ...]):
    assert (await sh("explain", "postgres/demo", *argv)).code == 2
    assert sh.gateway.asked == []


async def test_githubs_words_become_scopes_and_details(sh: Shell):
    await sh("get", "github/acme-bot", "--repo", "acme/site", "--repo", "acme/api", "--permission", "contents:read", "--permission", "issues:write")

    (asked,) = sh.gateway.at("/oauth2/token")
    assert asked.body["scope"] == "contents:read issues:write"
    assert json.loads(asked.body["authorization_details"]) == [{"type": "github", "repositories": ["acme/site", "acme/api"]}]


@pytest.mark.parametrize("words", [("--repo", "acme"), ("--repo", "https://github.com/acme/site"), ("--permission", "contents")])
async def test_githubs_words_are_looked_at(sh: Shell, words: tuple[str, str]):
    assert (await sh("get", "github/acme-bot", *words)).code == 2


@pytest.mark.parametrize("words", [["--repo", "acme/site", "--permission", "contents:read"], ["--permission", "metadata:read"], []])
def test_githubs_words_go_there_and_back(words: list[str]):
    repositories = [word for flag, word in zip(words[::2], words[1::2], strict=True) if flag == "--repo"]
    permissions = [word for flag, word in zip(words[::2], words[1::2], strict=True) if flag == "--permission"]

    for connector in ("github/acme-bot", "github_user/acme"):
        assert sugar.spoken(connector, sugar.scopes(permissions), sugar.details(repositories)) == words


@pytest.mark.parametrize(
    ("connector", "detail"),
    [("github/a", {"type": "github", "repositories": ["a/b"], "more": 1}), ("postgres/a", {"type": "postgres", "tables": ["it's"]})],
)
def test_what_those_words_cannot_say_is_said_in_full(connector: str, detail: dict[str, Any]):
    asked = line(connector, {"details": [detail]})

    assert json.loads(shlex.split(asked)[-1]) == detail
