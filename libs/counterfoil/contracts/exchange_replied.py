"""exchange.replied: the answer. Nothing in clear but where it goes."""

from datetime import timedelta

from counterfoil.contracts.base import Base64, Digest, Message, ReplyTo, Topic


class ExchangeReplied(Message):
    request_hash: Digest
    reply_to: ReplyTo
    box: Base64


class Answer(Message):
    """What the box holds, sealed by audit to the requester."""

    leaf: str | None = None
    leaf_hash: Digest
    proof: str
    box: Base64 | None = None
    problem: dict[str, object] | None = None
    pad: str = ""


TOPIC = Topic(
    "exchange.replied", carries=ExchangeReplied, written_by=("audit",), read_by=("gateway", "client"), keep=timedelta(minutes=10), key="request_hash"
)
