"""counterfoil connector add: what it asks for, what it changes, and that it tries what it made."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url
from counterfoil.wire.sealing import Opener
from tests.cli.fake_registry import FakeRegistry
from tests.cli.shell import Said, Shell
from tests.cli.stand_in import CREDENTIAL_ID, no

CANARY = "canary-of-the-broker"
FLAGS = ("--config", "host=db.example", "--config", "schemas=sales,stock", "--secret", "password=env:BROKER", "-s", "read")
LINK = {"kind": "link", "connector": "postgres/shop", "project": "web", "environments": ["production"], "ceiling": {"scopes": ["read"]}}


@pytest.fixture
def registry(sh: Shell) -> FakeRegistry:
    found = FakeRegistry()
    found.serve(sh.gateway)
    sh.env["BROKER"] = CANARY
    return found


@contextmanager
def sitting(*answers: str, secret: str = CANARY) -> Iterator[list[str]]:
    """Somebody at the terminal, who answers in this order; what was asked without showing the answer."""
    coming, hidden = list(answers), list[str]()

    def secretly(question: str, **_: object) -> str:
        hidden.append(question)
        return secret

    with ExitStack() as stack:
        stack.enter_context(patch("counterfoil.cli.asking.interactive", lambda: True))
        stack.enter_context(patch("sys.stdin.readline", lambda: coming.pop(0) + "\n"))
        stack.enter_context(patch("getpass.getpass", secretly))
        yield hidden
    assert coming == []


def opened(sh: Shell, registry: FakeRegistry) -> str:
    (sent,) = registry.secrets
    info = binding.root(sent["connector"], sent["installation"], sent["field"], sent["version"])
    return Opener([sh.gateway.town.verifier]).open(from_url(sent["sealed"].encode()), info).text()


async def test_flags_alone_make_it_and_the_secret_leaves_sealed(sh: Shell, registry: FakeRegistry):
    said = await sh("connector", "add", "postgres/shop", *FLAGS)

    assert said.code == 0
    (entry,) = registry.entries
    assert (entry["name"], entry["config"], entry["scopes"]) == ("postgres/shop", {"host": "db.example", "schemas": ["sales", "stock"]}, ["read"])
    assert opened(sh, registry) == CANARY
    assert CANARY not in json.dumps([one.body for one in sh.gateway.asked]) + said.out + said.err


@pytest.mark.usefixtures("registry")
async def test_without_a_link_it_says_how_to_make_one_and_tries_nothing(sh: Shell):
    said = await sh("connector", "add", "postgres/shop", *FLAGS)

    assert "not tried: no link leads to postgres/shop. counterfoil link add postgres/shop -p PROJECT" in said.err
    assert sh.gateway.at("/oauth2/token") == []


async def test_with_a_link_it_is_tried_by_the_ordinary_way_and_given_back(sh: Shell, registry: FakeRegistry):
    said = await sh("connector", "add", "postgres/shop", *FLAGS, "--link", "web/production", "--longest", "30s")

    assert said.code == 0
    assert registry.entries[1] == LINK | {"ceiling": {"scopes": ["read"], "details": [], "longest": 30}}
    (asked,) = sh.gateway.at("/oauth2/token")
    assert (asked.body["audience"], asked.body["scope"], asked.body["requested_lifetime"]) == ("postgres/shop", "read", "30")
    assert [one.body["token"] for one in sh.gateway.at("/oauth2/revoke")] == [CREDENTIAL_ID]
    assert f"minted {CREDENTIAL_ID}" in said.err
    assert "revoked: revoked" in said.err


async def test_a_trial_that_is_refused_is_told_and_the_connector_stays(sh: Shell, registry: FakeRegistry):
    sh.gateway.says["/oauth2/token"] = no("provider_refused", 502)
    said = await sh("connector", "add", "postgres/shop", *FLAGS, "--link", "web/production")

    assert said.code == 5
    assert "provider_refused" in said.err
    assert [one["kind"] for one in registry.entries] == ["connector", "link"]


async def test_a_link_that_is_there_is_tried_by(sh: Shell, registry: FakeRegistry):
    registry.entries.append(LINK | {"connector": "postgres/other"})
    registry.entries.append(LINK)
    await sh("connector", "add", "postgres/shop", *FLAGS)

    assert len(sh.gateway.at("/oauth2/token")) == 1


@pytest.mark.parametrize("option", ["--no-test", "--dry-run"])
async def test_nothing_is_tried_where_it_was_not_wanted(sh: Shell, registry: FakeRegistry, option: str):
    said = await sh("connector", "add", "postgres/shop", *FLAGS, "--link", "web/production", option)

    assert said.code == 0
    assert sh.gateway.at("/oauth2/token") == []
    assert len(registry.entries) == (0 if option == "--dry-run" else 2)


async def guided(sh: Shell, *answers: str, argv: tuple[str, ...] = ("postgres/shop",), secret: str = CANARY) -> tuple[Said, list[str]]:
    with sitting(*answers, secret=secret) as hidden:
        return await sh("connector", "add", *argv), hidden


async def test_whoever_sits_there_is_asked_for_just_what_the_provider_declares(sh: Shell, registry: FakeRegistry):
    said, hidden = await guided(sh, "db.example", "sales, stock", "", "", "y", "web/production", "y", argv=("postgres/shop", "-s", "read"))

    assert said.code == 0
    questions = [line.split(":")[0] for line in said.err.replace(": ", ":\n").splitlines() if line.split(" ")[0].rstrip(":") in POSTGRES_MEMBERS]
    assert [question.split(" ")[0] for question in questions] == ["host", "schemas", "port", "sslmode", "pooled"]
    assert "what is offered; commas between several" in said.err
    assert "sslmode (one of disable, require) [require]:" in said.err
    assert hidden == ["password, not shown; @FILE reads a file: "]
    assert registry.entries[0]["config"] == {"host": "db.example", "schemas": ["sales", "stock"], "pooled": True}
    assert "+ connector postgres/shop\n    + config.host: db.example" in said.err
    assert opened(sh, registry) == CANARY
    assert CANARY not in said.err


POSTGRES_MEMBERS = ("host", "port", "schemas", "sslmode", "pooled")


async def test_an_answer_that_cannot_be_read_is_asked_for_again(sh: Shell, registry: FakeRegistry):
    await guided(sh, "db.example", "sales", "many", "6543", "", "perhaps", "no", "", "y")

    assert registry.entries[0]["config"] == {"host": "db.example", "schemas": ["sales"], "port": 6543, "pooled": False}


async def test_what_is_required_is_asked_for_until_it_is_there(sh: Shell, registry: FakeRegistry):
    await guided(sh, "", "db.example", "sales", "", "", "", "", "y")

    assert registry.entries[0]["config"] == {"host": "db.example", "schemas": ["sales"]}


async def test_who_does_not_agree_changes_nothing(sh: Shell, registry: FakeRegistry):
    said, _ = await guided(sh, "db.example", "sales", "", "", "", "", "n")

    assert said.code == 3
    assert registry.entries == []


async def test_a_secret_may_be_read_from_a_file_that_is_named_instead(sh: Shell, registry: FakeRegistry, tmp_path: Path):
    (tmp_path / "key.pem").write_text("-----BEGIN\nlines\n")
    await guided(sh, "", "y", argv=("postgres/shop", *FLAGS[:4]), secret=f"@{tmp_path / 'key.pem'}")

    assert opened(sh, registry) == "-----BEGIN\nlines"


async def test_the_name_is_asked_for_too(sh: Shell, registry: FakeRegistry):
    said, _ = await guided(sh, "postgres/shop", "", "y", argv=FLAGS)

    assert "providers are postgres" in said.err
    assert registry.entries[0]["name"] == "postgres/shop"


async def test_a_config_file_is_read_and_an_option_goes_before_it(sh: Shell, registry: FakeRegistry, tmp_path: Path):
    (tmp_path / "shop.yaml").write_text("host: a.example\nport: 6543\nschemas: [sales]\n")
    await sh("connector", "add", "postgres/shop", "--config-file", str(tmp_path / "shop.yaml"), "--config", "host=b.example", *FLAGS[4:])

    assert registry.entries[0]["config"] == {"host": "b.example", "port": 6543, "schemas": ["sales"]}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "name the connector"),
        (("pg/shop", *FLAGS), "known are postgres"),
        (("postgres/shop", *FLAGS[4:]), "needs host; schemas (what is offered; commas between several)"),
        (("postgres/shop", *FLAGS[:4]), "needs the root secrets password"),
        (("postgres/shop", *FLAGS, "--config", "colour=red"), "host, port, schemas"),
        (("postgres/shop", *FLAGS, "--config", "port=many"), "'many' is no integer"),
        (("postgres/shop", *FLAGS[:4], "--secret", f"password={CANARY}"), "never an argument"),
        (("postgres/shop", *FLAGS, "--secret", "other=env:BROKER"), "root secrets password"),
        (("postgres/shop", *FLAGS, "--link", "web"), "like web/production"),
    ],
)
async def test_what_is_missing_or_wrong_is_told_where_nobody_can_be_asked(sh: Shell, registry: FakeRegistry, argv: tuple[str, ...], words: str):
    said = await sh("connector", "add", *argv)

    assert said.code == 2
    assert words in " ".join(said.err.split())
    assert CANARY not in said.err
    assert registry.entries == []


async def test_a_secret_that_is_there_is_not_asked_for_again(sh: Shell, registry: FakeRegistry):
    await sh("connector", "add", "postgres/shop", *FLAGS)
    said = await sh("connector", "add", "postgres/shop", *FLAGS[:4], "--config", "port=6543")

    assert said.code == 0
    assert len(registry.secrets) == 1
