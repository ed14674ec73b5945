"""Whatever anybody writes on a topic: its own error or dead letter, and the next request is served."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from counterfoil.contracts import TOPICS, exchange_authorized, exchange_minted, exchange_requested, exchange_verified
from counterfoil.contracts.base import Asked, ReplyTo
from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved, Grounds
from counterfoil.contracts.exchange_verified import Basis, IdentityVerified
from counterfoil.wire.canonical import canonical, digest
from counterfoil.wire.envelope import decode, encode
from counterfoil.wire.kafka import Record
from services.dev.issuer import LocalIssuer
from services.dev.signer import Signer
from tests.support.issuer import running
from tests.support.stranger import Stranger, stolen, stranger
from tests.support.topics import Seen, everything
from tests.support.town import Town

WISH = {"connector": "postgres/demo", "scopes": ["read"]}


async def code(opened: Any) -> str:
    assert opened is not None, "nobody answered"
    return str((opened.problem or {}).get("code"))


async def served(town: Town) -> None:
    """The next request is served."""
    async with town.client() as client:
        assert (await client.exchange("postgres/demo", scopes=["read"], lifetime=30)).reveal()


async def letter(town: Town, key: bytes, topic: str, within: float = 10.0) -> Seen:
    """The dead letter of the record with this key."""
    for _ in range(int(within / 0.3)):
        for seen in await everything(town.connection, f"{town.connection.topic(topic)}.dlq"):
            if seen.key == key:
                return seen
        await asyncio.sleep(0.3)
    raise AssertionError(f"no dead letter of {key!r} on {topic}")


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"connector": "postgres/demo", "scopes": ["read"], "surprise": 1}, "malformed_wish"),
        ({"connector": "postgres/demo", "scopes": "read"}, "malformed_wish"),
        ({"connector": "postgres/demo", "lifetime": 1.5}, "malformed_wish"),
        ({"connector": "postgres/demo", "lifetime": True}, "malformed_wish"),
        (["postgres/demo"], "malformed_wish"),
        ({"connector": "postgres/demo", "details": [json.loads('{"type":' * 29 + "1" + "}" * 29)]}, "malformed_wish"),
        ({"connector": "postgres/demo", "details": json.loads("[" * 90 + "]" * 90)}, "malformed_wish"),
        ({"connector": "postgres/demo", "scopes": ["x" * 200_000]}, "malformed_wish"),
        ({"connector": "postgres/demo", "scopes": ["admin"]}, "beyond_ceiling"),
        ({"connector": "postgres/demo", "scopes": ["read"], "lifetime": 86400}, "beyond_ceiling"),
        ({"connector": "postgres/demo", "details": [{"type": "mysql"}]}, "beyond_ceiling"),
        ({"connector": "postgres/nowhere", "scopes": ["read"]}, "denied"),
    ],
)
async def test_a_bad_wish_is_answered_and_audited(town: Town, wish: Any, expected: str):
    async with stranger(town) as one:
        opened = await one.asked(wish)
    assert await code(opened) == expected
    assert opened is not None
    assert opened.credential is None
    await served(town)


async def test_an_environment_that_is_not_linked_is_denied(town: Town):
    async with stranger(town) as one:
        opened = await one.asked(WISH, token=await town.id_token(environment="preview"))
    assert await code(opened) in {"denied", "no_link"}


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 40_000, "ä" * 10, "eyJhbGciOiJub25lIn0.e30.AA"])
async def test_a_bad_token_is_rejected_audited_and_never_quoted(town: Town, token: str):
    async with stranger(town) as one:
        opened = await one.asked(WISH, token=token)
    assert opened is not None
    assert opened.fact is not None
    assert opened.fact["kind"] == "identity.rejected"
    assert opened.credential is None
    if len(token) > 10:
        assert token not in json.dumps(opened.fact)


async def test_a_token_for_another_audience_is_rejected(town: Town):
    async with stranger(town) as one:
        assert await code(await one.asked(WISH, token=await town.id_token(audience="https://elsewhere.example"))) == "wrong_audience"


async def test_a_good_token_of_an_issuer_that_nobody_registered_is_rejected_and_the_issuer_never_asked(town: Town, tmp_path: Path):
    unknown = LocalIssuer(Signer(tmp_path), town.plan.url)
    async with stranger(town) as one, running(unknown):
        opened = await one.asked(WISH, token=unknown.sign({"sub": "x", "project": "web", "environment": "production"}))
        assert await code(opened) == "unknown_issuer"
    assert opened is not None
    assert opened.fact is not None
    assert opened.fact["unverified_issuer"] == unknown.url


async def test_a_token_that_somebody_else_signed_is_rejected(town: Town, tmp_path: Path):
    forger = LocalIssuer(Signer(tmp_path), town.plan.url, town.plan.issuer)
    async with stranger(town) as one:
        opened = await one.asked(WISH, token=forger.sign({"sub": "x", "project": "web", "environment": "production"}))
    assert await code(opened) in {"bad_signature", "bad_key"}


async def test_an_expired_token_is_rejected(town: Town):
    """As old as the session's issuer allows, and more."""
    now = int(datetime.now(UTC).timestamp())
    signer = Signer(town.plan.folder / "issuer")
    old = LocalIssuer(signer, town.plan.url, town.plan.issuer).sign({"sub": "x", "project": "web", "iat": now - 700, "exp": now - 60})
    async with stranger(town) as one:
        assert await code(await one.asked(WISH, token=old)) in {"expired", "too_old"}


async def test_a_token_sealed_for_other_bytes_opens_nothing(town: Town):
    """Who cannot open the token cannot put it on a request of their own."""
    async with stranger(town) as one:
        mine, other = await one.question(WISH), await one.question({**WISH, "scopes": ["write"]})
        headers = [
            pair if pair[0] != exchange_requested.TOKEN_HEADER else (pair[0], dict(mine.record.headers)[pair[0]]) for pair in other.record.headers
        ]
        await one.send(Record(other.record.topic, other.record.key, other.record.value, headers))
        assert await code(await one.answer(other)) == "unsealable"


@pytest.mark.parametrize("ahead", [timedelta(seconds=-5), timedelta(seconds=120)])
async def test_a_deadline_that_passed_or_lies_too_far_ahead_mints_nothing(town: Town, ahead: timedelta):
    async with stranger(town) as one:
        question = await one.question(WISH, deadline=datetime.now(UTC) + ahead)
        await one.send(question.record)
        opened = await one.answer(question, within=3)
    assert (opened is None) if ahead < timedelta() else (await code(opened) == "bad_deadline")
    async with town.sql() as db:
        assert await db.fetchval("SELECT count(*) FROM mint WHERE request_hash = $1", question.request_hash) == 0


async def test_a_partition_that_does_not_exist_and_an_unusable_key_are_dead_letters(town: Town):
    async with stranger(town) as one:
        nowhere = await one.question(WISH, reply_to=ReplyTo(partition=99, instance="x"))
        zero = await one.question(WISH, requester_key=bytes(32))
        await one.send(nowhere.record, zero.record)
        assert (await letter(town, nowhere.record.key, "exchange.requested.v1")).headers["dlq-code"] == b"bad_reply_to"
        assert (await letter(town, zero.record.key, "exchange.requested.v1")).headers["dlq-code"] == b"bad_requester_key"
    await served(town)


@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic.read_by not in (("consumer",), ("gateway", "client"))], ids=str)
async def test_rubbish_on_any_topic_becomes_a_dead_letter_and_stops_nothing(town: Town, topic: Any):
    name = town.connection.topic(topic)
    bodies = {b"no-json": b"\xff\xfe{", b"empty": b"", b"wrong-shape": b'{"kind":"x"}', b"huge": b'{"a":"' + b"x" * 1_048_390 + b'"}'}
    prefix = uuid4().hex.encode()
    async with stranger(town) as one:
        await one.send(*(Record(name, prefix + key, body, [("traceparent", b"\xff\xfe")]) for key, body in bodies.items()))
        await one.send(Record(name, prefix + b"version", b"{}", [("ce_specversion", b"1.0"), ("ce_type", b"counterfoil.x.v9")]))
        for key in (*bodies, b"version"):
            found = await letter(town, prefix + key, str(topic))
            assert found.value == bodies.get(key, b"{}")
            assert found.headers["dlq-code"]
    await served(town)


def identity(one: Stranger, asked: Asked, wish: dict[str, Any], *, sub_hash: str = "ab" * 32) -> IdentityVerified:
    return IdentityVerified.about(
        asked, at=datetime.now(UTC), issuer=one.town.plan.issuer, sub_hash=sub_hash, project="web", environment="production", claims={}, wish=wish,
        subject_box="", basis=Basis(registry_revision=10**9),
    )  # fmt: skip


def grant(who: IdentityVerified, evidence: Evidence, **changed: Any) -> GrantApproved:
    same = {name: getattr(who, name) for name in ("issuer", "sub_hash", "project", "environment")}
    usual = same | {"connector": "postgres/demo", "installation": "default", "scopes": frozenset({"read"}), "lifetime": 60, "rule": "stolen"}
    usual |= {"grounds": Grounds(registry_revision=10**9)}
    return GrantApproved.after(who, at=datetime.now(UTC), evidence=evidence, **(usual | changed))


def asked_by(one: Stranger, wish: dict[str, Any]) -> Asked:
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    hashes = {"request_hash": digest(uuid4().bytes), "wish_hash": digest(canonical(wish))}
    return Asked(request_id=uuid4(), requester_key="A" * 43, reply_to=one.reply_to, deadline=deadline, connector=wish["connector"], **hashes)


async def minted(town: Town, asked: Asked) -> int:
    async with town.sql() as db:
        return int(await db.fetchval("SELECT count(*) FROM mint WHERE request_hash = $1", asked.request_hash))


@pytest.mark.parametrize("role", ["gateway", "policy", "mint", "revoke", "audit", "revoker", None])
async def test_only_the_verifier_can_say_who_somebody_is(town: Town, role: str | None):
    async with stranger(town) as one:
        asked = asked_by(one, WISH)
        key = uuid4().hex
        await one.write(exchange_verified.TOPIC, identity(one, asked, WISH), stolen(town.plan.keys, role) if role else None, key=key)
        found = await letter(town, key.encode(), "exchange.verified.v1")
    assert found.headers["dlq-code"] == (b"wrong_role" if role else b"unsigned")
    assert await minted(town, asked) == 0


async def test_a_stolen_policy_key_without_the_verifier_mints_nothing(town: Town):
    """A decision with no evidence, with its own, and with evidence of somebody else's request."""
    policy = stolen(town.plan.keys, "policy")
    async with stranger(town) as one:
        asked = asked_by(one, WISH)
        who = identity(one, asked, WISH)
        body = encode(who)
        forged = Evidence(value=body.decode(), signature=policy.sign(str(exchange_verified.TOPIC), [body])[0].decode())
        for evidence in (Evidence(value="", signature=""), forged):
            key = uuid4().hex
            await one.write(exchange_authorized.TOPIC, grant(who, evidence), policy, key=key)
            assert (await letter(town, key.encode(), "exchange.authorized.v1")).headers["dlq-code"] == b"bad_evidence"
    assert await minted(town, asked) == 0


async def real_evidence(town: Town, one: Stranger, wish: dict[str, Any]) -> tuple[IdentityVerified, Evidence]:
    """What lies on the topic after an honest request: a policy thief can read and repeat it."""
    question = await one.question(wish, within=50)
    await one.send(question.record)
    await one.answer(question)
    for seen in await everything(town.connection, town.connection.topic(exchange_verified.TOPIC)):
        if question.request_hash.encode() in seen.value:
            who = decode(exchange_verified.TOPIC, seen.value, {})
            return who, Evidence(value=seen.value.decode(), signature=seen.headers["signature"].decode())
    raise AssertionError("no identity on the topic")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"scopes": frozenset({"read", "write"})}, "beyond_evidence"),
        ({"lifetime": 3600 * 24}, "beyond_evidence"),
        ({"details": ({"type": "postgres", "tables": ["shop.orders"]},)}, "beyond_evidence"),
        ({"sub_hash": "cd" * 32}, "evidence_mismatch"),
        ({"project": "other"}, "evidence_mismatch"),
        ({"environment": "preview"}, "evidence_mismatch"),
    ],
)
async def test_a_stolen_policy_key_cannot_widen_a_wish(town: Town, changed: dict[str, Any], expected: str):
    """The denied request's own evidence, with a grant that goes beyond it."""
    async with stranger(town) as one:
        who, evidence = await real_evidence(town, one, {"connector": "postgres/demo", "scopes": ["read"], "lifetime": 7200})
        assert await minted(town, who.asked) == 0  # policy said no: beyond the ceiling
        await one.write(exchange_authorized.TOPIC, grant(who, evidence, **changed), stolen(town.plan.keys, "policy"), key=str(who.asked.request_id))
        for _ in range(50):
            refusals = await minted_facts(town, who.asked.request_hash)
            if refusals:
                break
            await asyncio.sleep(0.1)
    assert [one["code"] for one in refusals] == [expected]
    assert await minted(town, who.asked) == 0


async def minted_facts(town: Town, request_hash: str) -> list[dict[str, Any]]:
    seen = await everything(town.connection, town.connection.topic(exchange_minted.TOPIC))
    return [json.loads(one.value) for one in seen if request_hash.encode() in one.value]


async def test_a_stranger_under_a_known_id_and_the_owners_reply_to_changes_nothing_for_the_owner(town: Town):
    async with stranger(town) as owner, stranger(town, partition=1) as thief:
        request_id = uuid4()
        theirs = await thief.question(WISH, request_id=request_id, reply_to=owner.reply_to, token=await town.id_token(environment="preview"))
        mine = await owner.question(WISH, request_id=request_id)
        await thief.send(theirs.record)
        await owner.send(mine.record)
        opened = await owner.answer(mine)
        assert opened is not None
        assert opened.problem is None
        assert opened.credential is not None


async def test_the_same_bytes_again_get_the_same_answer_and_one_credential(town: Town):
    async with stranger(town) as one:
        question = await one.question(WISH)
        await one.send(question.record)
        first = await one.answer(question)
        one.replies.clear()
        await one.send(question.record)
        second = await one.answer(question)
    assert first is not None
    assert second is not None
    assert (first.leaf, first.proof) == (second.leaf, second.proof)
    assert first.credential == second.credential
    async with town.sql() as db:
        assert await db.fetchval("SELECT count(*) FROM mint WHERE request_hash = $1", question.request_hash) == 1


async def test_the_same_id_for_another_wish_is_refused(town: Town):
    async with stranger(town) as one:
        request_id = uuid4()
        await one.asked(WISH, request_id=request_id)
        assert await code(await one.asked({**WISH, "scopes": ["write"]}, request_id=request_id)) == "request_id_reused"


async def test_twenty_parallel_duplicates_leave_one_credential(town: Town):
    async with stranger(town) as one:
        request_id = uuid4()
        questions = [await one.question(WISH, request_id=request_id) for _ in range(20)]
        await one.send(*(question.record for question in questions))
        answers = [await one.answer(question) for question in questions]
    async with town.sql() as db:
        live = await db.fetchval("SELECT count(*) FROM mint WHERE request_id = $1 AND state IN ('active', 'minting')", request_id)
    assert len(answers) == 20
    assert live <= 1
