"""Asking over the bus: the one record that a requester writes, and the answer it accepts. Gateway and clients share it."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from counterfoil.contracts import exchange_requested
from counterfoil.contracts.base import ReplyTo
from counterfoil.contracts.exchange_replied import Answer
from counterfoil.contracts.exchange_requested import TOKEN_HEADER, ExchangeRequested
from counterfoil.wire import binding, envelope
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.broken import Broken
from counterfoil.wire.canonical import digest
from counterfoil.wire.kafka import Connection, Record
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.receipt import ReceiptChecker
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret

ENDS = frozenset({"credential.minted", "mint.refused", "grant.denied", "identity.rejected"})
"""The facts that an exchange can end with. An approval lies in the log too, and is no answer."""


class WrongAnswer(Broken):
    """An answer that is not ours, or not what the log holds. It is ignored: the right one may still come."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request as it lies on the topic, and what its answer has to match."""

    request_id: UUID
    request_hash: str
    requester_key: str
    record: Record


@dataclass(frozen=True, slots=True)
class Opened:
    """A checked answer. Outcome, grant and expiry are the leaf's; `fact` is None where the caller is not entitled to it."""

    index: int
    proof: str = field(repr=False)
    leaf: str | None = field(repr=False)
    fact: dict[str, Any] | None
    problem: dict[str, Any] | None
    credential: Secret | None


def ask(connection: Connection, sealer: Sealer, verifier_key: bytes, *, token: Secret, wish: Any, request_id: UUID, reply_to: ReplyTo,
        requester_key: bytes, deadline: datetime, source: str, headers: tuple[tuple[str, bytes], ...] = ()) -> Question:  # fmt: skip
    """`headers` carry trace context. The token is sealed to the verifier, bound to the hash of exactly these bytes."""
    key = to_url(requester_key).decode()
    envelope_fact = ExchangeRequested(request_id=request_id, reply_to=reply_to, requester_key=key, deadline=deadline, wish=wish)
    value = envelope.encode(envelope_fact)
    request_hash = digest(value)
    sealed = sealer.seal(token, verifier_key, binding.token(request_hash))
    topic = exchange_requested.TOPIC
    found = [*envelope.headers(topic, envelope_fact, source, str(request_id)), (TOKEN_HEADER, sealed), *headers,
             (envelope.DEADLINE, deadline.isoformat().encode()), (envelope.REPLY_PARTITION, str(reply_to.partition).encode())]  # fmt: skip
    return Question(request_id, request_hash, key, Record(connection.topic(topic), str(request_id).encode(), value, found))


def opened(question: Question, box: str, keys: RequesterKeys, receipts: ReceiptChecker) -> Opened:
    """Raises Broken (WrongAnswer, Unsealable, BadReceipt) for whatever is not this question's answer."""
    answer = _answer(question, box, keys)
    hashed = bytes.fromhex(answer.leaf_hash)
    index = receipts.included(hashed, answer.proof)
    if answer.leaf is None:
        if answer.box is not None:
            raise WrongAnswer("box")
        return Opened(index, answer.proof, None, None, {**(answer.problem or {}), "code": "denied"}, None)
    leaf = answer.leaf.encode()
    if leaf_hash(leaf) != hashed:
        raise WrongAnswer("leaf_hash")
    fact = _fact(question, leaf)
    secret = None if answer.box is None else _secret(question, fact, answer.box, keys)
    return Opened(index, answer.proof, answer.leaf, fact, _problem(fact, answer), secret)


def _answer(question: Question, box: str, keys: RequesterKeys) -> Answer:
    try:
        sealed = from_url(box.encode())
    except ValueError:
        raise WrongAnswer("malformed") from None
    plain = keys.open(sealed, binding.answer(question.request_hash))
    try:
        return Answer.model_validate_json(plain.reveal())
    except ValueError:
        pass
    # Raised outside the handler: the validator's error quotes what it was given.
    raise WrongAnswer("malformed")


def _fact(question: Question, leaf: bytes) -> dict[str, Any]:
    """The leaf's fact, if it is the end of this very exchange. Other leaves have valid proofs too."""
    try:
        fact: dict[str, Any] = json.loads(leaf)["fact"]
        kind, asked = fact["kind"], fact["asked"]
        about = asked["request_hash"], asked["request_id"], asked["requester_key"]
    except (ValueError, KeyError, TypeError):
        raise WrongAnswer("asked") from None
    if about != (question.request_hash, str(question.request_id), question.requester_key):
        raise WrongAnswer("asked")
    if kind not in ENDS:
        raise WrongAnswer("kind")
    return fact


def _problem(fact: dict[str, Any], answer: Answer) -> dict[str, Any] | None:
    """A no has the leaf's code, whatever the wording beside it says. A credential that was revoked before its answer has no code there."""
    if fact["kind"] != "credential.minted":
        return {**(answer.problem or {}), "code": fact["code"]}
    if (answer.box is None) == (answer.problem is None):
        raise WrongAnswer("problem")
    return answer.problem


def _secret(question: Question, fact: dict[str, Any], box: str, keys: RequesterKeys) -> Secret:
    """Mint's own box, if it is the very one whose hash stands in the leaf."""
    if fact["kind"] != "credential.minted" or fact["box"] != {"sha256": digest(box.encode())}:
        raise WrongAnswer("box")
    info = binding.credential(question.request_hash, UUID(fact["credential_id"]), fact["decision_hash"])
    return keys.open(from_url(box.encode()), info)
