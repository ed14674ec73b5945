"""What `audit export` writes for others: OCSF events by OCSF's own schemas, CloudEvents by what CloudEvents 1.0 says."""

import json
import re
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from counterfoil.audit import cloud_events, ocsf
from counterfoil.contracts import TOPICS
from counterfoil.wire.merkle import leaf_hash
from services.audit.handlers import READS
from tests.cli.served_log import serve
from tests.cli.shell import Shell
from tests.support.made_log import ORIGIN, MadeLog

CLASSES = {
    "identity.verified": 3002, "identity.rejected": 3002, "grant.approved": 3003, "grant.denied": 3003, "credential.minted": 6003,
    "mint.refused": 6003, "revocation.requested": 6003, "revocation.ordered": 6003, "credential.revoked": 6003, "revocation.stuck": 6003,
    "revocation.uncertain": 6003, "registry.changed": 3004, "consent.granted": 6003, "consent.refused": 6003,
}  # fmt: skip
CHANGES = ("put", "removed", "fenced", "unfenced", "blocked", "unblocked", "secret_set", "key_added", "key_retired", "subject_erased", "grant_ended")
CLOUD_EVENT: dict[str, Any] = {
    # https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and its JSON format, as a schema, with no more freedom than they give.
    "type": "object",
    "required": ["id", "source", "specversion", "type"],
    "properties": {
        "id": {"type": "string", "minLength": 1}, "source": {"type": "string", "format": "uri-reference", "minLength": 1},
        "specversion": {"const": "1.0"}, "type": {"type": "string", "minLength": 1}, "subject": {"type": "string", "minLength": 1},
        "datacontenttype": {"type": "string", "pattern": r"^[\w.+-]+/[\w.+-]+$"}, "dataschema": {"type": "string", "format": "uri", "minLength": 1},
        "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}, "data": {},
    },
    "patternProperties": {"^[a-z0-9]{1,20}$": {"not": {"type": ["array", "null"]}}},
    "additionalProperties": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def log() -> MadeLog:
    return MadeLog.of(24)


@cache
def validator(version: str, class_uid: int) -> Draft202012Validator:
    schema = schemas(version)
    return Draft202012Validator(schema.get_class_schema(schema.lookup_class_name_from_uid(class_uid)))


@cache
def schemas(version: str) -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version))


def wrong(event: dict[str, Any], version: str) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(version, event["class_uid"]).iter_errors(event)]


def events(log: MadeLog) -> list[dict[str, Any]]:
    return [ocsf.event(at, leaf.decode(), json.loads(leaf), ORIGIN) for at, leaf in enumerate(log.leaves)]


@pytest.mark.parametrize("version", [ocsf.VERSION, "1.8.0"])
def test_every_kind_of_leaf_is_a_valid_event_of_its_class(log: MadeLog, version: str):
    found = events(log)

    assert [fault for event in found for fault in wrong(event, version)] == []
    assert {event["metadata"]["event_code"]: event["class_uid"] for event in found} == CLASSES


def test_every_kind_that_is_a_leaf_is_among_them():
    assert {kind for topic in TOPICS if topic in READS for kind in kinds(topic.carries)} == set(CLASSES) == set(ocsf.KINDS)


def kinds(carries: Any) -> set[str]:
    return {one.model_fields["kind"].default for one in getattr(carries, "__args__", (carries,))}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_the_registry_is_valid(log: MadeLog, change: str):
    index = log.find("registry.changed")
    members = json.loads(log.leaves[index])
    members["fact"] |= {"change": change, "entry": None}

    assert wrong(ocsf.event(index, "", members, ORIGIN), ocsf.VERSION) == []


def test_a_fact_with_nothing_but_what_it_must_have_is_valid(log: MadeLog):
    """No connector, no subject, nothing granted; and a kind that nobody knows yet."""
    for at, leaf in enumerate(log.leaves):
        members = json.loads(leaf)
        kept = {"kind", "id", "at", "change", "entry_kind", "name", "revision", "credential_id"}
        members["fact"] = {name: value for name, value in members["fact"].items() if name in kept}
        assert wrong(ocsf.event(at, "", members, ORIGIN), ocsf.VERSION) == []
        members["fact"]["kind"] = "something.new"
        assert wrong(ocsf.event(at, "", members, ORIGIN), ocsf.VERSION) == []


def test_the_schemas_refuse_what_is_none(log: MadeLog):
    event = events(log)[0]

    assert wrong({**event, "class_uid": 3002, "activity_id": 77}, ocsf.VERSION)
    assert wrong({**event, "surplus": 1}, ocsf.VERSION)
    assert wrong({name: value for name, value in event.items() if name != "user"}, ocsf.VERSION)


def test_an_event_leads_back_to_its_leaf(log: MadeLog):
    for at, event in enumerate(events(log)):
        assert event["metadata"]["uid"] == leaf_hash(log.leaves[at]).hex()
        assert (event["metadata"]["sequence"], event["metadata"]["log_name"]) == (at, ORIGIN)
        assert event["unmapped"]["fact"] == log.fact(at)


def test_what_was_refused_failed(log: MadeLog):
    found = {event["metadata"]["event_code"]: event for event in events(log)}

    assert {kind for kind, event in found.items() if event["status_id"] == ocsf.FAILURE} == {
        "identity.rejected", "grant.denied", "mint.refused", "revocation.stuck", "consent.refused",
    }  # fmt: skip
    assert found["identity.rejected"]["status_code"] == log.fact(log.find("identity.rejected"))["code"]


@pytest.mark.parametrize("origin", [ORIGIN, "log.example.org/one", "log<1>%é"])
def test_a_cloud_event_is_one(log: MadeLog, origin: str):
    check = Draft202012Validator(CLOUD_EVENT)
    for at, leaf in enumerate(log.leaves):
        event = cloud_events.event(at, leaf.decode(), json.loads(leaf), origin)
        assert list(check.iter_errors(event)) == []
        assert (event["id"], event["tlogindex"], event["data"]) == (leaf_hash(leaf).hex(), str(at), json.loads(leaf))
        assert re.fullmatch(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", event["source"])  # RFC 3986
    asked = log.fact(1)["asked"]["request_id"]
    assert cloud_events.event(1, log.leaves[1].decode(), json.loads(log.leaves[1]), origin)["subject"] == asked


async def test_the_command_writes_both(sh: Shell, log: MadeLog):
    serve(sh, log)
    events_ = [json.loads(line) for line in (await sh("audit", "export", "--format", "ocsf")).out.splitlines()]
    clouds = [json.loads(line) for line in (await sh("audit", "export", "--format", "cloudevents", "--from", "20")).out.splitlines()]

    assert events_ == events(log)
    assert [one["tlogindex"] for one in clouds] == ["20", "21", "22", "23"]
    assert {one["source"] for one in clouds} == {ORIGIN}
