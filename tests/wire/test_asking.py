"""What a requester accepts as the answer to its question: real keys, a real small log, and every answer that is not it."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from counterfoil.contracts.base import ReplyTo
from counterfoil.contracts.exchange_replied import Answer
from counterfoil.contracts.exchange_requested import TOKEN_HEADER, ExchangeRequested
from counterfoil.wire import binding
from counterfoil.wire.asking import Opened, Question, WrongAnswer, ask, opened
from counterfoil.wire.broken import Broken
from counterfoil.wire.canonical import digest
from counterfoil.wire.kafka import Connection
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.receipt import BadReceipt, ReceiptChecker
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.sealing import Opener, Sealer, Unsealable
from counterfoil.wire.secret import Secret
from tests.client.answers import DSN, ORIGIN, Town, asked, minted, no

REQUEST = UUID(int=42)


class Desk:
    """A requester and the town behind it."""

    def __init__(self) -> None:
        self.town = Town()
        self.keys = RequesterKeys(time.monotonic)
        self.question = self.ask()
        self.about = asked(REQUEST, self.question.request_hash, self.question.requester_key)

    def ask(self, **members: Any) -> Question:
        usual: dict[str, Any] = {
            "token": Secret("the.id.token"), "wish": {"connector": "postgres/demo"}, "request_id": REQUEST,
            "reply_to": ReplyTo(partition=0, instance="i"), "requester_key": self.keys.current(),
            "deadline": datetime.now(UTC) + timedelta(seconds=10), "source": "client",
        }  # fmt: skip
        return ask(Connection("nowhere:9092"), Sealer(), self.town.verifier.public, **usual | members)

    def box(self) -> str:
        return self.town.box(self.question.request_hash, self.question.requester_key)

    def answer(self, fact: dict[str, Any], *, box: str | None = None, **members: Any) -> str:
        leaf = self.town.append(fact)
        usual: dict[str, Any] = {"leaf": leaf, "leaf_hash": leaf_hash(leaf.encode()).hex(), "proof": self.town.proof(leaf), "box": box}
        return self.town.reply(self.question.request_hash, self.question.requester_key, Answer(**usual | members))

    def opened(self, reply: str, question: Question | None = None) -> Opened:
        return opened(question or self.question, reply, self.keys, ReceiptChecker([self.town.log_key.vkey]))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refused(desk: Desk, reply: str) -> Broken:
    with pytest.raises(Broken) as raised:
        desk.opened(reply)
    return raised.value


def test_the_token_is_sealed_to_the_verifier_and_bound_to_exactly_these_bytes(desk: Desk):
    record = desk.question.record
    sealed = dict(record.headers)[TOKEN_HEADER]

    assert desk.question.request_hash == digest(record.value)
    assert Opener([desk.town.verifier]).open(sealed, binding.token(digest(record.value))).text() == "the.id.token"
    with pytest.raises(Unsealable):
        Opener([desk.town.verifier]).open(sealed, binding.token(digest(record.value + b" ")))


def test_the_wish_travels_as_it_was_wished(desk: Desk):
    wish = {"connector": "postgres/demo", "unheard": ["of", 1]}

    assert ExchangeRequested.model_validate_json(desk.ask(wish=wish).record.value).wish == wish


def test_the_right_answer_opens_to_credential_grant_and_receipt(desk: Desk):
    box = desk.box()
    answer = desk.opened(desk.answer(minted(desk.about, box), box=box))

    assert answer.credential is not None
    assert json.loads(answer.credential.reveal())["access_token"] == DSN
    assert answer.fact is not None
    assert answer.fact["scopes"] == ["read"]
    assert answer.index == 2
    assert answer.problem is None


def test_a_denial_has_the_code_of_its_leaf_whatever_its_wording_says(desk: Desk):
    answer = desk.opened(desk.answer(no(desk.about), problem={"code": "expired", "message": "words"}))

    assert answer.problem == {"code": "no_link", "message": "words"}
    assert answer.credential is None


def test_a_caller_who_is_not_entitled_gets_a_denial_and_no_leaf(desk: Desk):
    answer = desk.opened(desk.answer(no(desk.about), leaf=None, problem={"code": "no_link"}))

    assert (answer.leaf, answer.fact, answer.credential) == (None, None, None)
    assert answer.problem == {"code": "denied"}


def test_what_was_revoked_before_its_answer_comes_without_a_box(desk: Desk):
    answer = desk.opened(desk.answer(minted(desk.about, desk.box()), problem={"code": "revoked"}))

    assert answer.credential is None
    assert answer.problem == {"code": "revoked"}


def test_another_valid_leaf_with_its_valid_proof_is_refused(desk: Desk):
    foreign = desk.town.append(minted(asked(UUID(int=43), "9" * 64, desk.question.requester_key), desk.box()))
    swapped = {"leaf": foreign, "leaf_hash": leaf_hash(foreign.encode()).hex(), "proof": desk.town.proof(foreign)}

    box = desk.box()
    assert refused(desk, desk.answer(minted(desk.about, box), box=box, **swapped)).code == "asked"


def test_the_proof_of_another_leaf_is_refused(desk: Desk):
    other = desk.town.append(no(desk.about))
    box = desk.box()

    assert refused(desk, desk.answer(minted(desk.about, box), box=box, proof=desk.town.proof(other))).code == "not_included"


def test_the_hash_of_another_leaf_that_is_in_the_log_is_refused(desk: Desk):
    other = desk.town.append(no(desk.about))
    swapped = {"leaf_hash": leaf_hash(other.encode()).hex(), "proof": desk.town.proof(other)}

    assert refused(desk, desk.answer(no(desk.about, code="forbidden"), **swapped)).code == "leaf_hash"


@pytest.mark.parametrize("member", ["request_id", "request_hash", "requester_key"])
def test_a_leaf_about_another_request_is_refused(desk: Desk, member: str):
    other = {"request_id": str(UUID(int=1)), "request_hash": "1" * 64, "requester_key": "A" * 43}[member]

    assert refused(desk, desk.answer(no(desk.about | {member: other}))).code == "asked"


@pytest.mark.parametrize("kind", ["grant.approved", "identity.verified"])
def test_a_fact_of_this_exchange_that_ends_nothing_is_no_answer(desk: Desk, kind: str):
    assert refused(desk, desk.answer(no(desk.about, kind=kind))).code == "kind"


def test_a_leaf_that_is_of_no_exchange_is_no_answer(desk: Desk):
    assert refused(desk, desk.answer({"kind": "registry.changed"})).code == "asked"


def test_another_box_than_the_one_in_the_leaf_is_refused(desk: Desk):
    fact = minted(desk.about, desk.box())

    assert refused(desk, desk.answer(fact, box=desk.box())).code == "box"


def test_a_box_that_comes_with_a_denial_is_refused(desk: Desk):
    assert refused(desk, desk.answer(no(desk.about), box=desk.box())).code == "box"
    assert refused(desk, desk.answer(no(desk.about), leaf=None, box=desk.box())).code == "box"


def test_a_credential_without_box_and_without_a_problem_is_refused(desk: Desk):
    assert refused(desk, desk.answer(minted(desk.about, desk.box()))).code == "problem"


def test_a_reply_that_is_sealed_for_another_request_does_not_open(desk: Desk):
    other = desk.ask(request_id=UUID(int=43))
    reply = desk.answer(no(desk.about))

    with pytest.raises(Unsealable, match="wrong_seal"):
        desk.opened(reply, other)


def test_a_box_of_mint_that_is_bound_to_another_request_does_not_open(desk: Desk):
    box = desk.town.box("9" * 64, desk.question.requester_key)

    assert isinstance(refused(desk, desk.answer(minted(desk.about, box), box=box)), Unsealable)


def test_a_head_that_another_key_signed_is_refused(desk: Desk):
    desk.town.log_key, pinned = LogKey.generate(ORIGIN), desk.town.log_key
    reply = desk.answer(no(desk.about))
    desk.town.log_key = pinned

    with pytest.raises(BadReceipt, match="unknown_key"):
        desk.opened(reply)


@pytest.mark.parametrize("reply", ["", "!", "AAAA", "A" * 43])
def test_a_reply_that_is_no_box_is_refused(desk: Desk, reply: str):
    assert isinstance(refused(desk, reply), WrongAnswer | Unsealable)


def test_a_box_that_holds_no_answer_is_refused_and_not_quoted(desk: Desk):
    plain = b'{"leaf": "canary"}'
    sealed = desk.town.reply(desk.question.request_hash, desk.question.requester_key, Answer.model_construct(**json.loads(plain)))
    error = refused(desk, sealed)

    assert error.code == "malformed"
    assert "canary" not in f"{error!r}{error.__cause__!r}{error.__context__!r}"
