"""The command line against every service: what is lent, explained, declared, exported and taken back."""

import json
import shlex
import sys
from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.shell import Said, Shell
from tests.cli.stand_in import StandIn
from tests.support.demo import BROKER_PASSWORD
from tests.support.town import Town

CHILD = """
import asyncio, asyncpg, os
async def main():
    db = await asyncpg.connect(os.environ["DATABASE_URL"])
    print(await db.fetchval("select current_user"), os.environ["PGPASSWORD"])
asyncio.run(main())
"""


@pytest.fixture
def cf(town: Town) -> Shell:
    return Shell(StandIn(), town.plan.url, {})


async def role_exists(town: Town, name: str) -> bool:
    async with town.sql() as db:
        return bool(await db.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name))


async def state(town: Town, credential_id: str) -> str:
    async with town.sql() as db:
        return str(await db.fetchval("SELECT state FROM mint WHERE credential_id = $1", UUID(credential_id)))


def good(said: Said) -> Said:
    assert said.code == 0, said.err
    return said


async def test_what_get_prints_lives_until_it_is_revoked(cf: Shell, town: Town):
    found = json.loads(good(await cf("get", "postgres/demo", "--scope", "read", "--lifetime", "5m", "-o", "json")).out)
    assert await role_exists(town, found["credential"]["username"])
    good(await cf("revoke", found["credential_id"]))

    assert await state(town, found["credential_id"]) == "revoked"
    assert not await role_exists(town, found["credential"]["username"])


async def test_run_lends_for_as_long_as_the_command_lives_and_shows_no_secret(cf: Shell, town: Town):
    said = good(await cf.process("run", "-c", "postgres/demo", "-s", "read", "--", sys.executable, "-c", CHILD))
    role, shown = said.out.split()

    assert shown == "***"
    assert role.startswith("cf_")
    assert not await role_exists(town, role)


async def test_explain_says_what_get_would_be_told_and_offers_what_is_granted(cf: Shell):
    asked = ("postgres/demo", "--scope", "read", "--scope", "own", "--lifetime", "5h")
    said, told = await cf("explain", *asked), await cf("get", *asked)
    (offered,) = (line.removeprefix("nearest: counterfoil ") for line in said.err.splitlines() if line.startswith("nearest: "))

    assert (said.code, told.code) == (3, 3)
    assert "beyond_ceiling" in said.out
    assert "beyond_ceiling" in told.err
    words = shlex.split(offered)
    assert words[0] == "get"
    assert (await cf("explain", *words[1:], "-o", "token")).out == "granted\n"
    good(await cf(*words))


async def test_an_operator_explains_for_somebody_else(cf: Shell):
    assert (await cf("explain", "postgres/demo", "--as", "web/production", "-o", "token")).out == "granted\n"
    assert (await cf("explain", "postgres/demo", "--as", "web/nowhere", "-o", "token")).out == "denied\n"


async def test_a_link_opens_and_its_removal_closes(cf: Shell):
    who = ("--project", "shop", "--environment", "staging")
    assert (await cf("get", "postgres/demo", *who)).code == 3
    said = good(
        await cf(
            "link",
            "add",
            "postgres/demo",
            "-p",
            "shop",
            "-e",
            "staging",
            "-s",
            "read",
            "--detail",
            '{"type": "postgres", "schemas": "*", "tables": "*", "actions": "*"}',
        )
    )
    assert "created  link  shop/staging->postgres/demo" in said.out
    good(await cf("get", "postgres/demo", "--scope", "read", *who, "--timeout", "30"))
    assert "shop/staging->postgres/demo" in good(await cf("link", "list", "--project", "shop", "-o", "token")).out
    good(await cf("link", "remove", "shop/staging->postgres/demo", "--dry-run"))
    good(await cf("link", "show", "shop/staging->postgres/demo"))
    good(await cf("link", "remove", "shop/staging->postgres/demo"))

    assert (await cf("link", "show", "shop/staging->postgres/demo")).code == 3
    assert (await cf("get", "postgres/demo", *who, "--timeout", "30")).code == 3


async def test_a_policy_is_looked_at_counts_and_goes(cf: Shell, tmp_path: Path):
    good_one, bad_one = tmp_path / "good.cedar", tmp_path / "bad.cedar"
    good_one.write_text('forbid (principal, action == Action::"mint", resource == Connector::"postgres/demo") when { context.lifetime == 77 };\n')
    bad_one.write_text("forbid (principal, action, resource) when { context.lifetim > 1 };\n")

    assert (await cf("policy", "lint", "-f", str(bad_one))).code == 2
    good(await cf("policy", "lint", "-f", str(good_one)))
    assert (await cf("policy", "add", "not-77", "-f", str(bad_one))).code != 0
    good(await cf("policy", "add", "not-77", "-f", str(good_one)))
    assert "not-77" in (await cf("explain", "postgres/demo", "--scope", "read", "-l", "77")).out
    denied = await cf("get", "postgres/demo", "--scope", "read", "-l", "77", "--timeout", "30")
    good(await cf("policy", "remove", "not-77"))

    assert denied.code == 3
    assert "forbidden" in denied.err
    good(await cf("get", "postgres/demo", "--scope", "read", "-l", "77", "--timeout", "30"))


async def test_an_export_is_applied_as_it_is_and_prune_brings_it_back(cf: Shell, tmp_path: Path):
    file = tmp_path / "registry.yaml"
    file.write_text(good(await cf("export")).out)
    same = good(await cf("apply", "-f", str(file), "--prune"))
    good(await cf("link", "add", "postgres/demo", "-p", "too", "-e", "much", "-s", "read"))
    pruned = good(await cf("apply", "-f", str(file), "--prune"))

    assert "0 changed" in same.err
    assert "- link too/much->postgres/demo" in pruned.err
    assert "1 changed" in pruned.err
    assert good(await cf("export")).out.splitlines()[1:] == file.read_text().splitlines()[1:]


async def test_a_new_connector_is_made_tried_and_removed(cf: Shell, town: Town, tmp_path: Path):
    demo = json.loads(good(await cf("connector", "show", "postgres/demo", "-o", "json")).out)
    (tmp_path / "config.json").write_text(json.dumps(demo["config"]))
    cf.env["BROKER"] = BROKER_PASSWORD
    words = ("--config-file", str(tmp_path / "config.json"), "--secret", "password=env:BROKER", "-s", "read", "--link", "web/production", "--timeout")
    said = good(await cf("connector", "add", "postgres/second", *words[:-1]))
    (minted,) = (line.split()[1].rstrip(",") for line in said.err.splitlines() if line.startswith("minted "))

    assert BROKER_PASSWORD not in said.out + said.err
    assert "revoked: revoked" in said.err
    assert await state(town, minted) == "revoked"
    good(await cf("link", "remove", "web/production->postgres/second"))
    good(await cf("connector", "remove", "postgres/second"))
    assert (await cf("connector", "show", "postgres/second")).code == 3


async def test_a_connector_with_a_wrong_secret_is_told_by_its_trial(cf: Shell, tmp_path: Path):
    demo = json.loads(good(await cf("connector", "show", "postgres/demo", "-o", "json")).out)
    (tmp_path / "config.json").write_text(json.dumps(demo["config"]))
    (tmp_path / "wrong").write_text("wrong\n")
    words = ("--config-file", str(tmp_path / "config.json"), "--secret", f"password=@{tmp_path / 'wrong'}", "-s", "read", "--link", "web/production")
    said = await cf("connector", "add", "postgres/third", *words)

    assert said.code in (5, 6)
    assert "a test, as web/production" in said.err
    good(await cf("link", "remove", "web/production->postgres/third"))
    good(await cf("connector", "remove", "postgres/third"))
