"""One example of every kind: exactly the bytes that lie on the topic. Those of one exchange belong together, seals, signature and proof included."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from counterfoil.contracts import TOPICS, exchange_authorized, exchange_minted, exchange_replied, exchange_requested, exchange_verified
from counterfoil.contracts.base import Topic
from counterfoil.contracts.exchange_replied import Answer
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url
from counterfoil.wire.canonical import canonical, digest
from counterfoil.wire.envelope import Unreadable, decode, encode, kind_of
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.receipt import ReceiptChecker
from counterfoil.wire.sealing import Opener
from counterfoil.wire.signing import Checker, PublicKey
from deploy.examples import EXAMPLES, example
from deploy.schemas import kinds
from tests.contracts.chain import AUDIT, LOG, REQUESTER, VERIFIER

ROOT = Path(__file__).parents[2]
OLDER = Path(__file__).parent / "older"
EVERY = [pytest.param(topic, kind, id=kind) for topic in TOPICS for kind in kinds(topic)]


def fact(topic: Topic, kind: str) -> Any:
    return decode(topic, example(topic, kind), {})


def schema_of(topic: Topic, kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / "schemas" / str(topic) / f"{kind}.json").read_text())
    return schema


def validator(topic: Topic, kind: str) -> Draft202012Validator:
    schema = schema_of(topic, kind)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_every_kind_has_an_example_and_every_example_a_kind():
    assert {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*") if path.is_file()} == {
        f"{topic.name}/{kind}.json" for topic in TOPICS for kind in kinds(topic)
    }


@pytest.mark.parametrize(("topic", "kind"), EVERY)
def test_bytes_to_fact_to_the_same_bytes(topic: Topic, kind: str):
    read = fact(topic, kind)

    assert kind_of(read, topic) == kind
    assert type(read) is kinds(topic)[kind]
    assert encode(read) == example(topic, kind)


@pytest.mark.parametrize(("topic", "kind"), EVERY)
def test_an_example_is_what_its_committed_schema_says(topic: Topic, kind: str):
    schema, members = validator(topic, kind), json.loads(example(topic, kind))

    schema.validate(members)
    for name in schema_of(topic, kind)["required"]:
        assert not schema.is_valid({other: value for other, value in members.items() if other != name})


@pytest.mark.parametrize(("topic", "kind"), EVERY)
def test_members_that_a_newer_writer_added_are_ignored(topic: Topic, kind: str):
    newer = {**json.loads(example(topic, kind)), "added_later": {"by": "a newer writer"}}

    assert decode(topic, json.dumps(newer).encode(), {}) == fact(topic, kind)
    assert validator(topic, kind).is_valid(newer)


@pytest.mark.parametrize(("topic", "kind"), EVERY)
def test_what_an_older_writer_left_out_is_still_read(topic: Topic, kind: str):
    """`older/` is never changed, only added to: what once lay on a topic."""
    value = (OLDER / topic.name / f"{kind}.json").read_bytes()
    read = decode(topic, value, {})

    assert kind_of(read, topic) == kind
    assert within(json.loads(value), json.loads(encode(read)))
    validator(topic, kind).validate(json.loads(value))


def within(older: Any, newer: Any) -> bool:
    """Nothing of it was lost: what is there beside it has a default."""
    if isinstance(older, dict):
        return all(name in newer and within(value, newer[name]) for name, value in older.items())
    if isinstance(older, list):
        return len(older) == len(newer) and all(within(one, other) for one, other in zip(older, newer, strict=True))
    return bool(older == newer)


@pytest.mark.parametrize("header", [{"ce_type": b"counterfoil.identity.verified.v2"}, {"ce_specversion": b"2.0"}, {"ce_type": b""}])
@pytest.mark.parametrize("topic", TOPICS, ids=str)
def test_an_unknown_version_is_said_so(topic: Topic, header: dict[str, bytes]):
    with pytest.raises(Unreadable) as error:
        decode(topic, example(topic, next(iter(kinds(topic)))), header)

    assert error.value.code == "unknown_version"


@pytest.mark.parametrize(("value", "code"), [(b"", "empty"), (None, "empty"), (b"{", "not_json"), (b"{}", "bad_shape"), (b"[]", "bad_shape")])
@pytest.mark.parametrize("topic", TOPICS, ids=str)
def test_what_no_one_can_read_has_its_code(topic: Topic, value: bytes | None, code: str):
    with pytest.raises(Unreadable) as error:
        decode(topic, value, {})

    assert error.value.code == code


REQUESTED = exchange_requested.TOPIC, "exchange.requested"
VERIFIED = exchange_verified.TOPIC, "identity.verified"
APPROVED = exchange_authorized.TOPIC, "grant.approved"
MINTED = exchange_minted.TOPIC, "credential.minted"
REPLIED = exchange_replied.TOPIC, "exchange.replied"


def test_the_request_is_named_by_the_hash_of_its_bytes_and_its_wish_by_that_of_its_canonical_form():
    asked = fact(*VERIFIED).asked

    assert asked.request_hash == digest(example(*REQUESTED))
    assert asked.wish_hash == digest(canonical(fact(*REQUESTED).wish)) == digest(canonical(fact(*VERIFIED).wish))
    assert asked == fact(*APPROVED).asked == fact(*MINTED).asked


def test_each_fact_names_the_one_it_follows():
    assert fact(*APPROVED).caused_by == fact(*VERIFIED).id
    assert fact(*MINTED).caused_by == fact(*APPROVED).id
    assert fact(*MINTED).decision_hash == digest(example(*APPROVED))


def test_the_grant_carries_the_very_bytes_it_rests_on_under_the_verifiers_signature():
    evidence = fact(*APPROVED).evidence
    known = PublicKey(VERIFIER.kid, "verifier", VERIFIER.public, not_before=0)
    checker = Checker(lambda kid: known if kid == VERIFIER.kid else None)

    assert evidence.value.encode() == example(*VERIFIED)
    assert checker.check(str(exchange_verified.TOPIC), example(*VERIFIED), evidence.signature.encode(), ("verifier",), 1.0) == "verifier"


def test_seals_made_then_open_now():
    """What lies on a topic, in a ledger or in the log must open for as long as its key is kept."""
    who, minted = fact(*VERIFIED), fact(*MINTED)
    subject = Opener([AUDIT]).open(from_url(who.subject_box.encode()), binding.subject(who.sub_hash))
    bound = binding.credential(minted.asked.request_hash, minted.credential_id, minted.decision_hash)
    credential = json.loads(Opener([REQUESTER]).open(from_url(minted.box.encode()), bound).text())

    assert subject.text() == "repo:acme/web:environment:production"
    assert credential["credential"]["username"] == "cf_example"


def test_the_answer_holds_the_leaf_its_proof_and_mints_own_box():
    replied, minted = fact(*REPLIED), fact(*MINTED)
    plain = Opener([REQUESTER]).open(from_url(replied.box.encode()), binding.answer(replied.request_hash))
    answer = Answer.model_validate_json(plain.reveal())

    assert answer.leaf is not None
    assert answer.leaf_hash == leaf_hash(answer.leaf.encode()).hex()
    assert ReceiptChecker([LOG.vkey]).check(answer.leaf.encode(), answer.proof)["fact_sha256"] == digest(example(*MINTED))
    assert answer.box == minted.box
