"""Recorded requests through today's verifier: the rule is real, and whoever opens tokens here says what was in them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from counterfoil.contracts import exchange_requested, exchange_verified
from counterfoil.contracts.base import ReplyTo
from counterfoil.contracts.exchange_requested import ExchangeRequested
from counterfoil.contracts.exchange_verified import Basis
from counterfoil.contracts.registry import Issuer, Mapped
from counterfoil.wire.armor import to_url
from counterfoil.wire.envelope import encode
from counterfoil.wire.opening_key import OpeningKey
from counterfoil_server.domain import identity
from counterfoil_server.runtime.recorded import Message
from services.verifier.handlers import read
from services.verifier.replay.compare import NO_KEY, NO_RECORD, OTHER_ENTRY, OTHER_KEYS, Replay
from services.verifier.replay.tally import Tally
from services.verifier.tokens import Unproven
from tests.replay.stages import stream
from tests.support.facts import NOW

ISSUER = Issuer(name="local", issuer="https://issuer.example", project=Mapped(claim="project"), environment=Mapped(value="production"))
BASIS = Basis(registry_revision=3, issuer_entry="local", issuer_hash="1" * 64, jwks_thumbprint="2" * 64)
REQUEST = ExchangeRequested(
    request_id=UUID(int=5), reply_to=ReplyTo(partition=0, instance="a"), requester_key=to_url(OpeningKey.generate().public).decode(),
    deadline=NOW + timedelta(seconds=10), wish={"connector": "postgres/demo"},
)  # fmt: skip


class Opens:
    """`no`: the code it rejects with."""

    def __init__(self, basis: Basis = BASIS, no: str | None = None) -> None:
        self.basis, self.no = basis, no

    async def prove(self, _sealed: bytes | None, _request_hash: str, _now: datetime) -> tuple[identity.Proven, Basis]:
        if self.no:
            raise Unproven(self.no, "no", Basis(registry_revision=9))
        return identity.Proven(ISSUER, {"project": "web"}, "c" * 64, None, "another-seal", None), self.basis.model_copy(
            update={"registry_revision": 9}
        )


def topic(**changed: Any) -> Sequence[Message]:
    """The request, and what was recorded of it."""
    value = encode(REQUEST)
    asked, bad = read(REQUEST, value)
    proven = identity.Proven(ISSUER, {"project": "web"}, "c" * 64, None, "first-seal", None)
    fact = identity.decide(asked, proven, REQUEST.wish, bad, BASIS, NOW).model_copy(update=changed)
    return (Message(exchange_requested.TOPIC, 0, 4, 0, value, {"sealed-token": b"x"}), Message(exchange_verified.TOPIC, 0, 7, 0, encode(fact), {}))


async def compared(tokens: Opens, messages: Sequence[Message]) -> Tally:
    return await Replay(tokens, 4).run(stream(messages))  # type: ignore[arg-type] # it opens no token


async def test_the_same_comes_out_whatever_came_first_and_however_it_was_sealed():
    request, fact = topic()

    for messages in ((request, fact), (fact, request)):
        tally = await compared(Opens(), messages)
        assert (tally.different, dict(tally.equal)) == (0, {"identity.verified": 1})


async def test_a_record_that_says_otherwise_is_shown_member_by_member():
    tally = await compared(Opens(), topic(project="shop", at=NOW + timedelta(seconds=1)))

    assert tally.different == 1
    assert tally.document()["differences"][0]["members"] == {"project": {"recorded": "shop", "now": "web"}}


async def test_a_rejection_of_what_was_verified_is_shown():
    tally = await compared(Opens(BASIS, "expired"), topic(basis=Basis(registry_revision=3)))

    assert tally.different == 1


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        (Opens(no="unknown_key"), NO_KEY),
        (Opens(BASIS.model_copy(update={"jwks_thumbprint": "3" * 64})), OTHER_KEYS),
        (Opens(BASIS.model_copy(update={"issuer_hash": "3" * 64})), OTHER_ENTRY),
    ],
)
async def test_where_an_input_is_another_it_is_said_of_each_message_and_counted(tokens: Opens, why: str):
    tally = await compared(tokens, topic())

    assert (tally.different, dict(tally.apart)) == (0, {why: 1})
    assert tally.document()["not_compared_messages"] == [{"where": "exchange.requested.v1 0:4", "why": why}]


async def test_a_request_of_which_nothing_was_recorded_is_counted():
    assert dict((await compared(Opens(), topic()[:1])).apart) == {NO_RECORD: 1}
