"""link, policy, installation, export, and what every kind of entry has: lists of many pages, one of them, its end."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from counterfoil.cli.registry_file import read
from tests.cli.fake_registry import FakeRegistry
from tests.cli.shell import Shell
from tests.cli.stand_in import Asked, no

LINK = "web/production->postgres/demo"
CEDAR = 'forbid (principal, action == Action::"mint", resource)\nwhen { context.lifetime > 300 };\n'
CONNECTOR = {"kind": "connector", "name": "postgres/demo", "config": {"host": "db.example", "schemas": ["sales"]}, "installation": "main"}


def link(environment: str = "production") -> dict[str, Any]:
    ceiling = {"scopes": ["read"], "details": [], "longest": 900}
    return {"kind": "link", "connector": "postgres/demo", "project": "web", "environments": [environment], "ceiling": ceiling}


@pytest.fixture
def registry(sh: Shell) -> FakeRegistry:
    found = FakeRegistry([CONNECTOR, link(), link("preview"), {"kind": "policy", "name": "short", "cedar": CEDAR}])
    found.secrets.append({"connector": "postgres/demo", "field": "password", "version": 2})
    found.serve(sh.gateway)
    return found


def deletable(sh: Shell, path: str) -> list[Asked]:
    """Answers a GET, and keeps what was deleted."""
    deleted: list[Asked] = []

    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.method == "DELETE":
            deleted.append(asked)
            return 200, {"revision": 8, "changes": [{"kind": "link", "name": LINK, "change": "removed"}], "dry_run": "dry_run" in asked.query}
        return 200, {"name": LINK, "connector": "postgres/demo"}

    sh.gateway.says[path] = answer
    return deleted


@pytest.mark.usefixtures("registry")
async def test_a_list_has_all_its_pages(sh: Shell):
    said = await sh("link", "list")

    assert [line.split()[0] for line in said.out.splitlines()] == ["NAME", LINK, "web/preview->postgres/demo"]
    assert said.out.splitlines()[1].split() == [LINK, "postgres/demo", "web", "production", "read", "900"]
    assert (await sh("link", "list", "--project", "other", "-o", "token")).out == ""
    assert (await sh("link", "list", "-o", "token")).out == f"{LINK}\nweb/preview->postgres/demo\n"


@pytest.mark.usefixtures("registry")
async def test_connectors_are_listed_with_no_more_of_a_secret_than_its_version(sh: Shell):
    (found,) = json.loads((await sh("connector", "list", "-o", "json")).out)

    assert found["secrets"] == {"password": 2}
    assert (await sh("connector", "providers", "-o", "token")).out == "postgres\n"


async def test_a_link_is_put_with_its_ceiling(sh: Shell, registry: FakeRegistry):
    words = ("-p", "web", "-e", "staging", "-e", "preview", "-s", "read", "--detail", '{"type":"postgres","tables":["a.b"]}', "--longest", "5m")
    said = await sh("link", "add", "postgres/demo", *words, "--no-entitled")

    assert said.code == 0
    assert registry.entries[-1] == {
        "kind": "link", "connector": "postgres/demo", "project": "web", "environments": ["preview", "staging"], "entitled": False,
        "ceiling": {"scopes": ["read"], "details": [{"type": "postgres", "tables": ["a.b"]}], "longest": 300},
    }  # fmt: skip
    assert "+ link web/preview+staging->postgres/demo" in said.err


async def test_githubs_words_make_a_ceiling_too(sh: Shell, registry: FakeRegistry):
    await sh("link", "add", "github/acme-bot", "-p", "web", "-e", "ci", "--repo", "*", "--permission", "contents:read")

    assert registry.entries[-1]["ceiling"]["details"] == [{"type": "github", "repositories": ["*"]}]


async def test_a_dry_run_of_a_link_changes_nothing(sh: Shell, registry: FakeRegistry):
    said = await sh("link", "add", "postgres/demo", "-p", "web", "-e", "ci", "-s", "read", "--dry-run")

    assert "1 would change" in said.err
    assert len(registry.entries) == 4


@pytest.mark.usefixtures("registry")
async def test_what_changes_of_a_link_is_told(sh: Shell):
    said = await sh("link", "add", "postgres/demo", "-p", "web", "-e", "production", "-s", "read", "-s", "write")

    assert f'~ link {LINK}\n    - ceiling.scopes: ["read"]\n    + ceiling.scopes: ["read", "write"]\n' in said.err
    assert "longest" not in said.err


async def test_an_entry_is_shown_by_its_name(sh: Shell):
    deletable(sh, f"/v1/links/{LINK}")

    assert "postgres/demo" in (await sh("link", "show", LINK)).out
    assert (await sh("link", "show", LINK, "-o", "token")).out == f"{LINK}\n"


async def test_a_removal_is_done_or_only_said(sh: Shell):
    deleted = deletable(sh, f"/v1/links/{LINK}")
    dry, done = await sh("link", "remove", LINK, "--dry-run"), await sh("link", "remove", LINK)

    assert [one.query for one in deleted] == [{"dry_run": "true"}, {}]
    assert "1 would change" in dry.err
    assert f"removed  link  {LINK}" in done.out


async def test_who_sits_there_is_asked_before_something_is_removed(sh: Shell):
    deleted = deletable(sh, f"/v1/links/{LINK}")
    with patch("counterfoil.cli.asking.interactive", lambda: True), patch("sys.stdin.readline", lambda: "\n"):
        assert (await sh("link", "remove", LINK)).code == 3
        assert (await sh("link", "remove", LINK, "--yes")).code == 0

    assert len(deleted) == 1


async def test_what_is_not_there_cannot_be_removed(sh: Shell):
    sh.gateway.says["/v1/policies/none"] = no("not_found", 404)

    assert (await sh("policy", "remove", "none")).code == 3
    assert [one.method for one in sh.gateway.asked] == ["GET"]


async def test_a_policy_is_put_from_a_file(sh: Shell, registry: FakeRegistry, tmp_path: Path):
    (tmp_path / "long.cedar").write_text(CEDAR)
    await sh("policy", "add", "no-long", "-f", str(tmp_path / "long.cedar"))

    assert registry.entries[-1] == {"kind": "policy", "name": "no-long", "cedar": CEDAR}


@pytest.mark.parametrize(("valid", "code", "word"), [(True, 0, "warning"), (False, 2, "error")])
async def test_a_policy_is_looked_at_without_being_kept(sh: Shell, tmp_path: Path, valid: bool, code: int, word: str):
    finding = [{"statement": 1, "line": 2, "message": "context has no lifetim\x1b"}]
    found = {"valid": valid, "errors": [] if valid else finding, "warnings": finding if valid else []}
    sh.gateway.says["/v1/policies/lint"] = lambda _: (200, found)
    (tmp_path / "a.cedar").write_text(CEDAR)
    said = await sh("policy", "lint", "-f", str(tmp_path / "a.cedar"))

    assert said.code == code
    assert said.out.splitlines()[1].split() == [word, "1", "2", "context", "has", "no", "lifetim?"]
    assert sh.gateway.asked[-1].body == {"cedar": CEDAR}


async def test_an_installation_has_what_differs_and_secrets_of_its_own(sh: Shell, registry: FakeRegistry):
    sh.env["EU"] = "canary-eu"
    await sh("installation", "add", "postgres/demo", "eu", "--config", "host=eu.example", "--secret", "password=env:EU")

    assert registry.entries[-1] == {"kind": "installation", "connector": "postgres/demo", "installation": "eu", "config": {"host": "eu.example"}}
    assert [(one["connector"], one["installation"], one["version"]) for one in registry.secrets[1:]] == [("postgres/demo", "eu", 1)]


async def test_an_export_is_read_by_apply_as_it_was(sh: Shell, registry: FakeRegistry, tmp_path: Path):
    said = await sh("export")
    (tmp_path / "registry.yaml").write_text(said.out)

    assert said.code == 0
    assert [
        one.model_dump(mode="json", exclude_unset=True) | {"kind": one.kind} for one in read(tmp_path / "registry.yaml").entries
    ] == registry.entries
    assert "# Its root secrets are not here (password). Elsewhere: counterfoil apply -f FILE --secret postgres/demo.password=@FILE" in said.out
    assert "cedar: |\n    forbid" in said.out


async def test_an_export_that_is_applied_changes_nothing(sh: Shell, registry: FakeRegistry, tmp_path: Path):
    (tmp_path / "registry.yaml").write_text((await sh("export")).out)
    said = await sh("apply", "-f", str(tmp_path / "registry.yaml"), "--prune", "--dry-run")

    assert [line for line in said.err.splitlines() if line[:1] in "+-~"] == []
    assert sh.gateway.at("/v1/registry")[-1].body["entries"] == registry.entries


async def test_an_export_may_be_json(sh: Shell, registry: FakeRegistry):
    assert json.loads((await sh("export", "-o", "json")).out)["entries"] == registry.entries
    assert len(yaml.safe_load((await sh("export")).out)) == len(registry.entries)


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_diff_has_colours_at_a_terminal_unless_somebody_minds(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], coloured: bool):
    from counterfoil.cli import printing  # noqa: PLC0415 what it asks is replaced first

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr", Terminal())

    assert ("\x1b[32m" in printing.coloured("+ link a")) is coloured
    assert printing.coloured("plain") == "plain"
