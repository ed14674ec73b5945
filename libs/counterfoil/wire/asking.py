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
from counterfoil.wire.canonical import digest
from counterfoil.wire.kafka import Connection, Record
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.receipt import ReceiptChecker
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret


class WrongAnswer(ValueError):
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
        requester_key: bytes, deadline: datetime, source: str, headers: tuple[tuple[str, bytes], ...] = ()) -> Question:
    """`headers` carry trace context. The token is sealed to the verifier, bound to the hash of exactly these bytes."""
    key = to_url(requester_key).decode()
    envelope_fact = ExchangeRequested(request_id=request_id, reply_to=reply_to, requester_key=key, deadline=deadline, wish=wish)
    value = envelope.encode(envelope_fact)
    request_hash = digest(value)
    sealed = sealer.seal(token, verifier_key, binding.token(request_hash))
    topic = exchange_requested.TOPIC
    found = [*envelope.headers(topic, envelope_fact, source, str(request_id)), (TOKEN_HEADER, sealed), *headers,
             (envelope.DEADLINE, deadline.isoformat().encode()), (envelope.REPLY_PARTITION, str(reply_to.partition).encode())]
    return Question(request_id, request_hash, key, Record(connection.topic(topic), str(request_id).encode(), value, found))


def opened(question: Question, box: str, keys: RequesterKeys, receipts: ReceiptChecker) -> Opened:
    """Raises a ValueError (WrongAnswer, Unsealable, BadReceipt) for whatever is not this question's answer."""
    answer = Answer.model_validate_json(keys.open(from_url(box.encode()), binding.answer(question.request_hash)).reveal())
    if answer.leaf is None:
        index = receipts.included(bytes.fromhex(answer.leaf_hash), answer.proof)
        return Opened(index, answer.proof, None, None, answer.problem or {"code": "denied"}, None)
    leaf = answer.leaf.encode()
    if leaf_hash(leaf).hex() != answer.leaf_hash:
        raise WrongAnswer("leaf_hash")
    index = receipts.included(leaf_hash(leaf), answer.proof)
    fact = json.loads(leaf)["fact"]
    asked = fact["asked"]
    if (asked["request_hash"], asked["request_id"], asked["requester_key"]) != (question.request_hash, str(question.request_id), question.requester_key):
        raise WrongAnswer("asked")
    return Opened(index, answer.proof, answer.leaf, fact, answer.problem, credential(question, fact, answer.box, keys))


def credential(question: Question, fact: dict[str, Any], box: str | None, keys: RequesterKeys) -> Secret | None:
    """Mint's own box, if it is the very one whose hash stands in the leaf."""
    if box is None:
        return None
    if fact["kind"] != "credential.minted" or fact["box"] != {"sha256": digest(box.encode())}:
        raise WrongAnswer("box")
    info = binding.credential(question.request_hash, UUID(fact["credential_id"]), fact["decision_hash"])
    return keys.open(from_url(box.encode()), info)
