"""Replay on the real town: what its services decided is decided again from the log, and every projection is what facts say."""

import asyncio
import json
import os
import sys
from typing import Any

from tests.support.town import Town, town_of_the_module

own = town_of_the_module
PLACE = {"connector": "postgres/demo", "project": "replayed"}
LINK: dict[str, Any] = {"kind": "link", **PLACE, "environments": ["production"], "ceiling": {"scopes": ["read", "write"], "longest": 300}}
POLICY = {
    "kind": "policy",
    "name": "no-long-replayed",
    "cedar": 'forbid (principal in Project::"replayed", action == Action::"mint", resource) when { context.lifetime > 100 };',
}
ENTITLED = (
    "UPDATE registry_entry SET entry = jsonb_set(entry, '{entitled}', to_jsonb($1::boolean)) WHERE kind = 'link' AND entry ->> 'project' = 'replayed'"
)
ERASE = (
    "DELETE FROM subject WHERE sub_hash IN (SELECT convert_from(bytes, 'UTF8')::jsonb -> 'fact' ->> 'sub_hash' FROM audit_leaf WHERE bytes LIKE $1)"
)


async def counterfoil(town: Town, *arguments: str) -> tuple[int | None, Any, str]:
    env = {"PATH": os.environ["PATH"], "COUNTERFOIL_DATABASE": town.plan.dsns["ops"]}
    command = (sys.executable, "-m", "counterfoil.cli.main", *arguments, "-o", "json")
    child = await asyncio.create_subprocess_exec(*command, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, complained = await child.communicate()
    return child.returncode, json.loads(out) if out else None, complained.decode()


async def told(town: Town) -> None:
    """Everything that was changed and minted so far is in the log."""
    for _ in range(200):
        async with town.sql() as db:
            waiting = await db.fetchval("SELECT count(*) FROM registry_change WHERE relayed_at IS NULL")
            last = await db.fetchval("SELECT id FROM registry_change ORDER BY revision DESC LIMIT 1")
            if not waiting and await db.fetchval("SELECT EXISTS (SELECT FROM audit_leaf WHERE fact_id = $1)", last):
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the log was never told")


async def asked(town: Town, **form: Any) -> int:
    return (await town.ask(await town.id_token("replayed"), **form)).status_code


async def test_what_the_services_decided_is_decided_again_from_the_log(town: Town):
    await town.apply(LINK)
    await asyncio.sleep(0.3)  # the services' own snapshots; whichever they decide by is recorded
    assert await asked(town, scope="read") == 200
    assert await asked(town, scope="admin") == 400
    assert (await town.ask("no token at all")).status_code == 400
    await town.apply(POLICY, {**LINK, "ceiling": {"scopes": ["read"], "longest": 200}})
    statuses = [await asked(town, scope=scope, requested_lifetime=None) for scope in ("read", "write") for _ in range(3)]
    assert 400 in statuses
    await told(town)

    code, found, said = await counterfoil(town, "replay", "verify")

    assert code == 0, (found, said)
    assert (found["drifted"], found["not_decided"]) == (0, {})
    assert set(found["equal"]) >= {"identity.verified", "grant.approved", "grant.denied"}
    assert found["shape_only"].get("malformed", 0) >= 1
    async with town.sql() as db:
        decided = "SELECT count(*) FROM audit_leaf WHERE convert_from(bytes, 'UTF8')::jsonb -> 'fact' ->> 'kind' ~ '^(identity|grant)\\.'"
        assert found["decisions"] == await db.fetchval(decided)
    assert (await counterfoil(town, "replay", "verify", "--no-cache"))[1]["equal"] == found["equal"]

    async with town.sql() as db:
        erased = await db.execute(ERASE, b'%"project":"replayed"%')  # as `counterfoil audit erase-subject` does it, for everybody there
    assert erased != "DELETE 0"
    code, again, _ = await counterfoil(town, "replay", "verify")
    assert (code, again["equal"]) == (0, found["equal"])


async def test_every_projection_is_what_facts_say(town: Town):
    await town.apply(LINK)
    await told(town)

    code, found, said = await counterfoil(town, "replay", "rebuild")

    assert (code, found["differences"]) == (0, []), said
    assert found["tree"]["size"] > 0
    assert found["registry"]["told"] == found["registry"]["revision"]

    async with town.sql() as db:
        was = await db.execute(ENTITLED, False)
        try:
            code, found, _ = await counterfoil(town, "replay", "rebuild")
        finally:
            await db.execute(ENTITLED, True)
    assert (code, was) == (1, "UPDATE 1")
    assert found["differences"] == ["link replayed/production->postgres/demo is not as the log has it"]


async def test_who_could_have_minted_is_who_can(town: Town):
    await town.apply(LINK, POLICY)
    await told(town)

    code, found, said = await counterfoil(town, "who-could", "--connector", "postgres/demo", "--scope", "read")

    assert code == 0, said
    rows = {(row["project"], row["environment"]): row for row in found["places"]}
    assert rows["replayed", "production"]["could"] == "yes"
    long = await counterfoil(town, "who-could", "--connector", "postgres/demo", "--scope", "read", "--lifetime", "101")
    assert {row["project"]: row for row in long[1]["places"]}["replayed"]["why"] == "forbidden by no-long-replayed"
    before = await counterfoil(town, "who-could", "--connector", "postgres/demo", "--scope", "read", "--at", "2020-01-01T00:00Z")
    assert before[1]["places"] == []


async def test_without_a_database_or_a_file_the_command_says_what_to_do(town: Town):
    code, _, said = await counterfoil(Nowhere(town), "replay", "verify")  # type: ignore[arg-type]

    assert code == 2
    assert "COUNTERFOIL_DATABASE" in said


class Nowhere:
    """A town whose database nobody is told of."""

    def __init__(self, town: Town) -> None:
        self.plan = type("Plan", (), {"dsns": {"ops": ""}})
        self.town = town
