"""The answer that stands -> what its requester is sent: the exact leaf, its proof, mint's own box unopened, the wording of a no."""

import logging
from dataclasses import dataclass, replace

from counterfoil.contracts import exchange_replied
from counterfoil.contracts.base import ReplyTo
from counterfoil.contracts.exchange_replied import Answer, ExchangeReplied
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.envelope import TRACEPARENT, encode
from counterfoil.wire.sealing import Sealer
from counterfoil_server.runtime.stage import Out, Received
from services.audit import problems
from services.audit.batch import Standing

log = logging.getLogger("counterfoil.audit")
ALIKE = 4096
"""Every denial is as long as this. Its leaf's length would tell a caller who may not know the reason what the reason was."""
TRACE_PARTS = 4
"""W3C Trace Context: version, trace, span, flags."""


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    standing: Standing
    cause: Received
    out: Out


def reply(standing: Standing, cause: Received, sealer: Sealer, partitions: int) -> Reply | None:
    """None where it cannot be sent: its leaf stays, and a batch does not stop for it."""
    asked = standing.fact["asked"]
    try:
        box = _box(standing, cause, sealer, partitions)
    except ValueError as reason:
        log.warning("cannot be answered", extra={"code": str(reason), "request_id": asked["request_id"]})
        return None
    # All of it was validated as part of a fact, or made here: to match the box with its pattern again would take longer than sealing it.
    to = ReplyTo.model_construct(**asked["reply_to"])
    fact = ExchangeReplied.model_construct(request_hash=standing.request_hash, reply_to=to, box=to_url(box).decode())
    # Encoded now: what is sent under the lock shall take no longer than sending takes.
    out = Out(
        exchange_replied.TOPIC,
        fact,
        key=standing.request_hash,
        event_id=standing.request_hash,
        cause=cause,
        partition=to.partition,
        value=encode(fact),
    )
    return Reply(standing, cause, out)


def _box(standing: Standing, cause: Received, sealer: Sealer, partitions: int) -> bytes:
    asked = standing.fact["asked"]
    if asked["reply_to"]["partition"] >= partitions:
        raise ValueError("no_such_partition")
    if standing.outcome == "minted" and standing.box is None:
        raise ValueError("no_box")
    try:
        return sealer.seal(plain(standing, cause), from_url(asked["requester_key"].encode()), binding.answer(standing.request_hash))
    except ValueError:
        raise ValueError("unusable_key") from None


def plain(standing: Standing, cause: Received) -> bytes:
    denial = standing.outcome == "denied" or hidden(standing)
    said = Answer(
        leaf=None if hidden(standing) else standing.leaf.bytes.decode(),
        leaf_hash=standing.leaf.hash.hex(),
        proof=standing.proof,
        box=standing.box if standing.outcome == "minted" else None,
        problem=problem(standing, cause),
    )
    bare = encode(said)
    return encode(said.model_copy(update={"pad": " " * (ALIKE - len(bare))})) if denial and len(bare) < ALIKE else bare


def hidden(standing: Standing) -> bool:
    """Whether this caller may not read why. Mint's "no such connector" looks the same as policy's."""
    fact = standing.fact
    return fact.get("code") == "unknown_connector" or (fact["kind"] == "grant.denied" and not fact.get("entitled"))


def problem(standing: Standing, cause: Received) -> dict[str, object] | None:
    if standing.outcome == "minted":
        return None
    said = problems.revoked() if standing.outcome == "revoked" else _no(standing)
    said["request_id"] = standing.fact["asked"]["request_id"]
    trace = cause.headers.get(TRACEPARENT, b"").decode("ascii", "replace").split("-")
    return said | ({"trace_id": trace[1]} if len(trace) == TRACE_PARTS else {})


def _no(standing: Standing) -> dict[str, object]:
    return problems.denied() if hidden(standing) else problems.about(standing.fact)


def as_revoked(standing: Standing) -> Standing:
    """The leaf says what was minted; the answer says that nobody will get it."""
    return replace(standing, outcome="revoked", box=None)
