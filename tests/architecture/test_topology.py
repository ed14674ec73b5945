"""The map is true: TOPICS says who writes and who reads, the services' stages and code are what really happens."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from counterfoil.contracts import TOPICS
from counterfoil.contracts.base import Topic
from deploy.handed import Handed, asking, handed
from deploy.topology import COMPOSERS, HANDLERS, ROOT, Traffic, everyone, map_of

ROLES = everyone()
STAGED = sorted(role for role, traffic in ROLES.items() if traffic.stages)
NOT_OURS: Mapping[tuple[str, str], str] = {("audit.recorded", "consumer"): "whoever an operator grants it; no process of ours reads it"}
"""Readers that the map allows and that are nobody's code here."""


@pytest.mark.parametrize("topic", TOPICS, ids=str)
def test_the_map_is_true(topic: Topic):
    written, read = map_of(ROLES)[topic.name]

    assert written == set(topic.written_by)
    assert read == {role for role in topic.read_by if (topic.name, role) not in NOT_OURS}


def test_what_is_said_to_be_nobodys_code_is_on_the_map():
    assert set(NOT_OURS) <= {(topic.name, role) for topic in TOPICS for role in topic.read_by}


@pytest.mark.parametrize("role", STAGED)
def test_a_stage_declares_what_its_code_sends_and_sends_what_it_declares(role: str):
    assert ROLES[role].said == ROLES[role].declared


@pytest.mark.parametrize("role", STAGED)
def test_no_stage_reads_beside_its_groups(role: str):
    assert ROLES[role].heard == frozenset()


@pytest.mark.parametrize("role", STAGED)
def test_a_consumer_group_is_named_for_its_role(role: str):
    """What a process may join follows from its name, so that a prefixed right on groups is enough."""
    groups = [stage.group for stage in ROLES[role].stages]

    assert all(group == role or group.startswith(f"{role}-") for group in groups)
    assert len(set(groups)) == len(groups)


def test_every_role_is_a_process():
    """The name that an app serves under (or, of several processes, may be told) is the one that the map knows."""
    started = {}
    for path in sorted(ROOT.glob("services/*/app.py")):
        if path.parent.name not in COMPOSERS:
            texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
            started[path.parent.name] = {role for role in ROLES if role in texts}

    assert {role for roles in started.values() for role in roles} == set(ROLES) - {"client"}
    assert all(started.values())


def test_what_several_processes_share_sends_nothing():
    """In a folder of two roles only their handlers send, else nobody could say who does."""
    for folder in sorted(path.parent for path in ROOT.glob("services/*/app.py") if path.parent.name not in COMPOSERS):
        own = [path for pattern in HANDLERS for path in folder.glob(pattern)]
        if len(own) > 1:
            assert handed(path for path in folder.rglob("*.py") if path not in own) == Handed()


def test_one_topic_has_one_version_and_one_name():
    assert len({topic.name for topic in TOPICS}) == len({str(topic) for topic in TOPICS}) == len(TOPICS)


def seen(tmp_path: Path, text: str) -> Handed:
    path = tmp_path / "module.py"
    path.write_text(text)
    return handed([path])


@pytest.mark.parametrize(
    "text",
    [
        "Out(exchange_minted.TOPIC, fact, key='a')",
        "TOPIC = exchange_minted.TOPIC\ndef f(): return answer(TOPIC, fact, one)",
        "def f():\n    topic = exchange_minted.TOPIC\n    return stage.Out(topic, fact)",
        "Record(connection.topic(exchange_minted.TOPIC), b'', b'', [])",
        "Record(topic=connection.topic(exchange_minted.TOPIC), key=b'')",
    ],
)
def test_what_code_sends_is_found(tmp_path: Path, text: str):
    assert seen(tmp_path, text) == Handed(set(), {"exchange.minted"})


def test_what_code_listens_to_is_found(tmp_path: Path):
    assert seen(tmp_path, "Listener(kafka, kafka.topic(exchange_replied.TOPIC), 1)") == Handed({"exchange.replied"}, set())


def test_whoever_asks_by_the_wire_writes_requests(tmp_path: Path):
    assert asking() == {"ask": {"exchange.requested"}}
    assert seen(tmp_path, "from counterfoil.wire.asking import ask\nask(1)").said == {"exchange.requested"}
    assert seen(tmp_path, "from counterfoil.wire import asking\nasking.ask(1)").said == {"exchange.requested"}
    assert seen(tmp_path, "def ask(): ...\nask()").said == set()


def test_the_map_is_seen_to_be_false():
    """A reader that TOPICS does not know, and one that does not read."""
    policy = ROLES["policy"]
    found = {**ROLES, "policy": Traffic("policy", policy.stages, frozenset({"registry.changed"}), policy.said), "mint": Traffic("mint")}

    assert map_of(found)["registry.changed"][1] == {"audit", "policy"}
    assert map_of(found)["exchange.authorized"][1] == {"audit"}
    assert map_of(found)["exchange.minted"][0] == frozenset()
