"""What is generated: stale files are shown, breaking ones refused; and the AsyncAPI document says what is really on the wire."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from counterfoil.contracts import TOPICS
from counterfoil.contracts.base import ReplyTo
from counterfoil.wire.asking import ask
from counterfoil.wire.envelope import decode, headers
from counterfoil.wire.kafka import Connection
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from deploy.examples import example
from deploy.generate import breaks, run
from deploy.schemas import kinds
from deploy.topology import ROOT, everyone
from tests.support.facts import NOW

PATH = "schemas/exchange.minted.v1/mint.refused.json"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"code": {"type": "string"}, "at": {"type": "string"}}, "required": ["code"]}


def text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2) + "\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / PATH).parent.mkdir(parents=True)
    (tmp_path / PATH).write_text(text(SCHEMA))
    return tmp_path


WIDER = {**SCHEMA, "properties": {**SCHEMA["properties"], "message": {"type": "string"}}}
NARROWER = {**SCHEMA, "required": ["code", "at"]}


def test_a_stale_file_fails_the_check_and_its_difference_is_shown(root: Path, capsys: pytest.CaptureFixture[str]):
    assert run(root, {PATH: text(WIDER)}, check=True) == 1
    assert '+    "message": {' in capsys.readouterr().out
    assert (root / PATH).read_text() == text(SCHEMA)


def test_a_missing_file_is_stale(root: Path):
    assert run(root, {PATH: text(SCHEMA), "docs/reference/topics.md": "new\n"}, check=True) == 1


def test_what_is_as_it_was_passes_and_what_was_generated_is_so(root: Path):
    assert run(root, {PATH: text(WIDER)}, check=False) == 0
    assert run(root, {PATH: text(WIDER)}, check=True) == 0


@pytest.mark.parametrize("check", [True, False])
def test_a_breaking_change_is_refused_and_nothing_is_written(root: Path, capsys: pytest.CaptureFixture[str], check: bool):
    assert run(root, {PATH: text(NARROWER), "docs/new.md": "new\n"}, check=check) == 1

    assert f"{PATH}: at: property became required" in capsys.readouterr().err
    assert (root / PATH).read_text() == text(SCHEMA)
    assert not (root / "docs").exists()


def test_a_kind_that_nothing_carries_any_more_is_refused(root: Path, capsys: pytest.CaptureFixture[str]):
    assert run(root, {"schemas/exchange.minted.v1/mint.denied.json": text(SCHEMA)}, check=False) == 1
    assert f"{PATH}: nothing carries it any more" in capsys.readouterr().err


def test_a_topic_may_go_only_when_a_later_major_follows_it():
    old = {PATH: text(SCHEMA)}

    assert breaks(old, {}) != []
    assert breaks(old, {"schemas/exchange.authorized.v2/mint.refused.json": text(SCHEMA)}) != []
    assert breaks(old, {"schemas/exchange.minted.v2/mint.refused.json": text(NARROWER)}) == []


def test_generating_again_in_another_order_of_sets_gives_the_bytes_that_are_committed():
    """`make check` had its own seed."""
    argv = [sys.executable, "-m", "deploy.generate", "--check"]
    again = subprocess.run(argv, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "1"}, check=False, capture_output=True, text=True)

    assert again.returncode == 0, again.stdout


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
    return found


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        for one in node.values():
            yield from references(one)
    elif isinstance(node, list):
        for one in node:
            yield from references(one)


def resolved(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def test_every_reference_leads_somewhere(document: dict[str, Any]):
    found = set(references(document))

    assert found
    assert all(resolved(document, one) is not None for one in found)


def test_the_document_knows_every_reader_and_writer(document: dict[str, Any]):
    said = {(name.split(".")[0], one["action"], one["channel"]["$ref"].removeprefix("#/channels/")) for name, one in document["operations"].items()}
    roles = everyone()
    does = {(role, "receive", f"{topic}.v1") for role, one in roles.items() for topic in one.reads}
    does |= {(role, "send", f"{topic}.v1") for role, one in roles.items() for topic in one.writes}

    assert {one for one in said if not one[2].endswith(".dlq")} == does


def test_a_topic_has_its_key_and_its_retention_and_its_facts(document: dict[str, Any]):
    for topic in TOPICS:
        channel = document["channels"][str(topic)]
        messages = [resolved(document, one["$ref"]) for one in channel["messages"].values()]

        assert [message["name"] for message in messages] == list(kinds(topic))
        assert {message["bindings"]["kafka"]["key"]["description"] for message in messages} == {topic.key}
        assert channel["bindings"]["kafka"]["topicConfiguration"]["retention.ms"] == topic.keep / timedelta(milliseconds=1)


def test_headers_are_those_of_a_real_record(document: dict[str, Any]):
    """Made by the code that makes every record; what is required of them is there, and what they say is allowed."""
    for topic in TOPICS:
        for kind in kinds(topic):
            schema = document["components"]["messages"][f"{kind}.v1"]["headers"]
            made = dict(headers(topic, decode(topic, example(topic, kind), {}), "verifier", "1"))
            beside = {"signature"} if topic.signed else {"sealed-token"}

            assert set(schema["required"]) == made.keys() | beside
            Draft202012Validator(schema).validate({**{name: value.decode() for name, value in made.items()}, **dict.fromkeys(beside, "-")})


def test_the_headers_of_a_request_are_all_described(document: dict[str, Any]):
    key = OpeningKey.generate()
    question = ask(Connection("kafka.example:9092"), Sealer(), key.public, token=Secret("-"), wish={}, request_id=UUID(int=1), deadline=NOW,
                   reply_to=ReplyTo(partition=0, instance="a"), requester_key=key.public, source="client")  # fmt: skip
    described = document["components"]["messages"]["exchange.requested.v1"]["headers"]

    assert {name for name, _ in question.record.headers} <= described["properties"].keys()


def test_a_payload_is_what_the_committed_schema_of_its_kind_says(document: dict[str, Any]):
    for topic in TOPICS:
        for kind in kinds(topic):
            whole = json.loads((ROOT / "schemas" / str(topic) / f"{kind}.json").read_text())
            inlined = {**resolved(document, document["components"]["messages"][f"{kind}.v1"]["payload"]["$ref"])}

            assert inlined["required"] == whole["required"]
            assert inlined["properties"].keys() == whole["properties"].keys()
