"""counterfoil apply: what is sent, what is told of it, and that root secrets leave sealed."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url
from counterfoil.wire.sealing import Opener, Unsealable
from tests.cli.shell import Shell
from tests.cli.stand_in import Asked

REGISTRY = """
kind: connector
name: postgres/demo
config: {host: 127.0.0.1, port: 5432}
installation: main
secrets:
  password: {env: BROKER_PASSWORD}
---
- kind: link
  connector: postgres/demo
  project: web
  environments: [production]
  ceiling: {scopes: [read]}
"""
HAD: list[dict[str, Any]] = [
    {"kind": "connector", "name": "postgres/demo", "config": {"host": "10.0.0.1", "port": 5432}, "installation": "main"},
    {"kind": "policy", "name": "old", "cedar": "forbid (principal, action, resource);"},
]


def registry(sh: Shell, tmp_path: Path, text: str = REGISTRY, *, have: dict[str, int] | None = None) -> str:
    changes = [{"kind": "connector", "name": "postgres/demo", "change": "created"}, {"kind": "link", "name": "web", "change": "same"}]
    sh.gateway.says["/v1/connectors"] = lambda _: (200, {"connectors": [{"name": "postgres/demo", "installation": "main", "secrets": have or {}}]})
    sh.gateway.says["/v1/installations"] = lambda _: (200, {"installations": []})
    sh.gateway.says["/v1/registry"] = lambda asked: (
        200,
        {"revision": 6, "entries": HAD} if asked.body is None else {"revision": 7, "changes": changes, "dry_run": asked.body["dry_run"]},
    )
    sh.env["BROKER_PASSWORD"] = "canary-of-the-broker"
    (tmp_path / "registry.yaml").write_text(text)
    return str(tmp_path / "registry.yaml")


def posted(sh: Shell) -> list[Asked]:
    return [asked for asked in sh.gateway.at("/v1/registry") if asked.body is not None]


async def test_apply_sends_the_entries_and_shows_what_changed(sh: Shell, tmp_path: Path):
    said = await sh("apply", "-f", registry(sh, tmp_path))

    assert said.code == 0
    assert [line.split() for line in said.out.splitlines()[1:]] == [["created", "connector", "postgres/demo"], ["same", "link", "web"]]
    assert "1 changed, 1 the same; revision 7" in said.err
    (asked,) = posted(sh)
    assert [entry["kind"] for entry in asked.body["entries"]] == ["connector", "link"]
    assert asked.body["dry_run"] is False


async def test_a_root_secret_leaves_sealed_to_the_providers_and_bound_to_its_place(sh: Shell, tmp_path: Path):
    await sh("apply", "-f", registry(sh, tmp_path))

    (asked,) = posted(sh)
    (sent,) = asked.body["secrets"]
    opener, box = Opener([sh.gateway.town.verifier]), from_url(sent["sealed"].encode())
    assert {name: sent[name] for name in sent if name != "sealed"} == {
        "connector": "postgres/demo", "installation": "main", "field": "password", "version": 1,
    }  # fmt: skip
    assert opener.open(box, binding.root("postgres/demo", "main", "password", 1)).text() == "canary-of-the-broker"
    with pytest.raises(Unsealable):
        opener.open(box, binding.root("postgres/other", "main", "password", 1))
    assert "canary" not in json.dumps(asked.body)


async def test_a_root_secret_is_sealed_to_no_key_that_others_could_have_named(sh: Shell, tmp_path: Path):
    file = registry(sh, tmp_path)
    sh.env["COUNTERFOIL_ALLOW_HTTP"] = "1"
    with patch("counterfoil.cli.applying.unseen", lambda _: False):  # as at any address that is neither https nor this machine
        said = await sh("apply", "-f", file)

    assert said.code == 1
    assert "no_mint_key" in said.err
    assert posted(sh) == []


async def test_a_secret_that_is_there_stays_until_it_is_renewed(sh: Shell, tmp_path: Path):
    file = registry(sh, tmp_path, have={"password": 3})
    (tmp_path / "new").write_text("a new one\n")
    await sh("apply", "-f", file)
    await sh("apply", "-f", file, "--renew-secrets")
    await sh("apply", "-f", file, "--secret", f"postgres/demo.password=@{tmp_path / 'new'}")

    first, renewed, given = (asked.body["secrets"] for asked in posted(sh))
    assert first == []
    assert renewed[0]["version"] == 4
    opened = Opener([sh.gateway.town.verifier]).open(from_url(given[0]["sealed"].encode()), binding.root("postgres/demo", "main", "password", 4))
    assert opened.text() == "a new one"


async def test_a_dry_run_of_apply_says_so(sh: Shell, tmp_path: Path):
    said = await sh("apply", "-f", registry(sh, tmp_path), "--dry-run")

    assert posted(sh)[0].body["dry_run"] is True
    assert "would change" in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: connector\nname: postgres/demo\nsecrets: {password: canary}\n", "{env: NAME} or {file: path}"),
        ("kind: connector\nname: postgres/demo\nunheard: canary\n", "unheard"),
        ("kind: connector\nname: postgres/demo\nname: postgres/canary\n", "given twice"),
        ("kind: link\nconnector: a/b\nproject: p\nenvironments: [e]\nceiling: {scopes: []}\nsecrets: {x: {env: X}}\n", "only a connector"),
        ("kind: connector\nname: postgres/demo\nsecrets: {password: {env: NOT_THERE}}\n", "NOT_THERE"),
        ("kind: connector\nname: postgres/demo\nsecrets: {password: {file: not-there}}\n", "not-there"),
        ("- just a text\n", "no mapping"),
        ("kind: [\n", "line"),
        ("kind: !!python/object/apply:os.system ['true']\n", "line"),
    ],
)
async def test_a_file_that_says_something_wrong_is_not_sent_and_not_quoted(sh: Shell, tmp_path: Path, text: str, said: str):
    done = await sh("apply", "-f", registry(sh, tmp_path, text))

    assert done.code == 2
    assert said in done.err.replace("\n", " ")
    assert "canary" not in done.err
    assert posted(sh) == []


async def test_a_secret_itself_is_never_an_argument(sh: Shell, tmp_path: Path):
    said = await sh("apply", "-f", registry(sh, tmp_path), "--secret", "postgres/demo.password=canary")

    assert said.code == 2
    assert "canary" not in said.err


async def test_what_changes_is_told_member_by_member(sh: Shell, tmp_path: Path):
    said = (await sh("apply", "-f", registry(sh, tmp_path), "--dry-run")).err

    assert "~ connector postgres/demo\n    - config.host: 10.0.0.1\n    + config.host: 127.0.0.1\n+ link web/production->postgres/demo\n" in said
    assert "5432" not in said
    assert "policy old" not in said


async def test_pruning_tells_what_goes_and_says_so_to_the_gateway(sh: Shell, tmp_path: Path):
    said = await sh("apply", "-f", registry(sh, tmp_path), "--prune")

    assert "- policy old\n" in said.err
    assert posted(sh)[0].body["replace"] is True


async def test_pruning_asks_who_sits_there_and_takes_no_for_an_answer(sh: Shell, tmp_path: Path):
    file = registry(sh, tmp_path)
    with patch("counterfoil.cli.asking.interactive", lambda: True), patch("sys.stdin.readline", lambda: "n\n"):
        said = await sh("apply", "-f", file, "--prune")

    assert said.code == 3
    assert "Remove 1 of 2 entries?" in said.err
    assert posted(sh) == []


async def test_what_was_shown_is_what_is_changed_or_nothing_is(sh: Shell, tmp_path: Path):
    await sh("apply", "-f", registry(sh, tmp_path))

    assert posted(sh)[0].headers["if-match"] == '"6"'


async def test_entries_may_come_from_stdin(sh: Shell, tmp_path: Path):
    registry(sh, tmp_path)
    with patch("sys.stdin.read", lambda: "kind: policy\nname: a\ncedar: 'forbid (principal, action, resource);'\n"):
        await sh("apply", "-f", "-")

    assert [entry["name"] for entry in posted(sh)[0].body["entries"]] == ["a"]


async def test_an_installations_own_secret_is_bound_to_it(sh: Shell, tmp_path: Path):
    text = "kind: installation\nconnector: postgres/demo\ninstallation: eu\nsecrets: {password: {env: BROKER_PASSWORD}}\n"
    await sh("apply", "-f", registry(sh, tmp_path, text, have={"password": 3}))

    (sent,) = posted(sh)[0].body["secrets"]
    assert (sent["connector"], sent["installation"], sent["version"]) == ("postgres/demo", "eu", 1)
