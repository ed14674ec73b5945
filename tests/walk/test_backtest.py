"""Recorded traffic of a real town, run again beside it: a candidate policy, each stage in shadow, and nothing is changed by it."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from counterfoil.contracts import TOPICS
from counterfoil.wire.kafka import Listener, TopicPartition
from services.dev import town as towns
from services.dev.jars import ROOT
from tests.support.town import Town, town_of_the_module
from tests.support.waiting import until

own = town_of_the_module
LENT = "SELECT count(*) FROM pg_roles WHERE rolname IN (SELECT 'cf_' || replace(credential_id::text, '-', '') FROM mint)"
"""This town's own: those of the session's town come and go meanwhile."""
GUARDED = """
import socket, sys
allowed = {{("127.0.0.1", port) for port in {ports}}}
connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
def only(call):
    def guarded(self, address):
        if self.family != socket.AF_UNIX and tuple(address[:2]) not in allowed:
            raise RuntimeError(f"the network is cut: {{address}}")
        return call(self, address)
    return guarded
socket.socket.connect, socket.socket.connect_ex = only(connect), only(connect_ex)
from services.ops.replay.app import app
try:
    app({arguments}, prog_name="counterfoil replay")
finally:
    assert [name for name in sys.modules if name.startswith("services.providers")] == [], "a provider's code was loaded"
"""


async def ran(town: Town, role: str, *command: str) -> tuple[int, str, str]:
    pipe = asyncio.subprocess.PIPE
    env = towns.environment(town.plan, "verifier") | {"COUNTERFOIL_DATABASE": town.plan.dsns[role]}
    process = await asyncio.create_subprocess_exec(sys.executable, *command, env=env, cwd=ROOT, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def replay(town: Town, *arguments: str) -> tuple[int, Any, str]:
    """Where nothing but Kafka and the database can be reached, as the role ops; the document."""
    ports = [int(town.plan.kafka.rpartition(":")[2]), town.plan.postgres[1]]
    code, out, err = await ran(town, "ops", "-c", GUARDED.format(ports=ports, arguments=[*arguments, "-o", "json"]))
    return code, json.loads(out) if out else None, err


async def untouched(town: Town) -> dict[str, Any]:
    """Every table's rows, every group with its offsets, every topic's end, every lent role."""
    found: dict[str, Any] = {}
    async with town.sql() as db:
        for row in await db.fetch("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"):
            if row["relname"] != "heartbeat":
                found[row["relname"]] = await db.fetchval(f"SELECT count(*) FROM {row['relname']}")  # noqa: S608 - names of tables
        found["roles"] = await db.fetchval(LENT)
    admin = AIOKafkaAdminClient(**town.connection.options())
    await admin.start()
    try:
        others = ("t", "alone_")  # other tests' own
        known = [name for name, _ in await admin.list_consumer_groups()]
        groups = sorted(name for name in known if name.startswith(town.plan.prefix) or not name.startswith(others))
        found["groups"] = {name: await admin.list_consumer_group_offsets(name) for name in groups}
    finally:
        await admin.close()
    listener = Listener(town.connection, town.connection.topic(TOPICS[0]), None)
    await listener.start()
    places = [TopicPartition(town.connection.topic(topic), number) for topic in TOPICS for number in range(towns.PARTITIONS)]
    found["ends"] = {str(place): end for place, end in (await listener.consumer.end_offsets(places)).items()}
    await listener.stop()
    return found


@pytest.fixture(scope="module")
async def busy(town: Town) -> Town:
    """Some exchanges, granted, denied and rejected; all of them recorded."""
    for _ in range(3):
        assert (await town.ask(scope="read", requested_lifetime=300)).status_code == 200
    assert (await town.ask(await town.id_token(project="shop"))).status_code == 400
    assert (await town.ask(scope="admin")).status_code == 400
    assert (await town.ask(await town.id_token(audience="https://elsewhere.example"))).status_code == 400
    return town


async def still(town: Town) -> dict[str, Any]:
    """Once what was begun has ended: expiries, replies and offsets come a moment later."""
    last: list[Any] = [None]

    async def same() -> bool:
        before, last[0] = last[0], await untouched(town)
        await asyncio.sleep(0.3)
        return bool(before == last[0])

    await until(same)
    return dict(last[0])


async def test_a_candidate_that_forbids_a_project_shows_whom_it_would_deny(busy: Town, tmp_path: Path):
    file = tmp_path / "no-web.cedar"
    file.write_text('forbid (principal in Project::"web", action == Action::"mint", resource);\n')

    code, found, err = await replay(busy, "backtest", "--policy", str(file), "--since", "1h", "--fail-on", "denied")

    assert code == 1, err
    (group,) = (one for one in found["newly_denied"] if one["rule"] == "no-web")
    assert (group["project"], group["connector"]) == ("web", "postgres/demo")
    assert group["count"] >= 3
    assert group["examples"][0]["asked"]["connector"] == "postgres/demo"
    assert found["newly_allowed"] == []
    assert "newly denied" in err


async def test_a_candidate_that_links_a_project_shows_whom_it_would_let_in(busy: Town, tmp_path: Path):
    file = tmp_path / "shop.yaml"
    file.write_text("{kind: link, connector: postgres/demo, project: shop, environments: [production], ceiling: {scopes: [read]}}\n")

    code, found, err = await replay(busy, "backtest", "--policy", str(file), "--fail-on", "denied,narrowed")
    failed, _, _ = await replay(busy, "backtest", "--policy", str(file), "--fail-on", "allowed")

    assert (code, failed) == (0, 1), err
    assert {(one["project"], one["rule"]) for one in found["newly_allowed"]} == {("shop", "shop/production->postgres/demo")}


async def test_a_candidate_that_lint_refuses_is_a_wrong_call(busy: Town, tmp_path: Path):
    file = tmp_path / "wrong.cedar"
    file.write_text("forbid (principal, action, resource) when { context.lifetim > 1 };\n")

    code, _, err = await replay(busy, "backtest", "--policy", str(file))

    assert code == 2
    assert "policy wrong, line 1" in err


async def test_stages_in_shadow_come_to_the_same_where_the_network_is_cut_and_change_nothing(busy: Town):
    before = await still(busy)

    for stage in ("authorize", "mint", "audit"):
        code, found, err = await replay(busy, "stage", stage)
        assert code == 0, (stage, found, err)
        assert sum(one["different"] for one in found) == 0
        assert sum(sum(one["equal"].values()) for one in found) >= 3, found

    assert await untouched(busy) == before


async def test_beyond_retention_the_log_stands_in(busy: Town):
    code, found, err = await replay(busy, "stage", "authorize", "--from", "2d")

    assert code == 0, (found, err)
    assert len(found) == 2
    assert all(one["stage"] == "authorize" for one in found)
    assert "older is taken from the log" in err


async def test_the_verifier_opens_recorded_tokens_again_and_comes_to_the_same(busy: Town):
    before = await still(busy)
    token = await busy.id_token()
    code, out, err = await ran(busy, "verifier", "-m", "services.verifier.replay", "-o", "json")
    after = await untouched(busy)
    found = json.loads(out)

    assert code == 0, (out, err)
    assert found["different"] == 0
    assert found["equal"]["identity.verified"] >= 5
    assert found["equal"]["identity.rejected"] >= 1
    assert token.partition(".")[0] not in out + err
    assert after == before


async def test_without_its_sealing_key_each_token_is_said_to_be_beyond_it(busy: Town, tmp_path: Path):
    keys = busy.plan.keys / "verifier"
    for file in (one for one in keys.glob("*.key") if not one.name.startswith("open-")):
        (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / file.name).chmod(0o400)
    env, pipe = towns.environment(busy.plan, "verifier") | {"COUNTERFOIL_KEYS": str(tmp_path)}, asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "services.verifier.replay", "-o", "json")
    process = await asyncio.create_subprocess_exec(*command, env=env, cwd=ROOT, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    found = json.loads(out)

    assert process.returncode == 0, err
    assert sum(count for why, count in found["not_compared"].items() if why.startswith("beyond the sealing key's life")) >= 5


async def test_elsewhere_it_says_where_tokens_can_be_checked_again(busy: Town):
    code, out, err = await ran(busy, "ops", "-c", "from services.ops.replay.app import app; app(['stage', 'verify'])")

    assert (code, out) == (2, "")
    assert "python -m services.verifier.replay" in err
