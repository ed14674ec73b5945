"""exchange.verified through today's policy, beside what exchange.authorized recorded: within retention byte by byte, beyond it from the leaves."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from counterfoil.contracts import exchange_authorized, exchange_verified
from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved, GrantDenied, Grounds
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import canonical
from counterfoil.wire.envelope import SIGNATURE, Unreadable, decode, encode
from counterfoil.wire.signing import BadSignature, Checker
from counterfoil_server.domain import grants
from counterfoil_server.domain.known import look_up
from counterfoil_server.replay.backtest_kept import NO_EVIDENCE
from counterfoil_server.replay.backtest_pairs import Pairs
from counterfoil_server.replay.backtest_rules import Rules
from counterfoil_server.replay.history import NoHistory
from counterfoil_server.runtime.recorded import Message
from services.ops.replay.stage_tally import Tally

Decided = GrantApproved | GrantDenied
FACT: TypeAdapter[Decided] = exchange_authorized.TOPIC.adapter()
Leaf = tuple[int, dict[str, Any]]
ON_ITS_WAY = "no decision yet, and its deadline has not passed"
TOPICS = (exchange_verified.TOPIC, exchange_authorized.TOPIC)


class Authorize:
    """What the policy service would bury (unreadable, wrongly signed) is set aside: it decided nothing about it."""

    def __init__(self, rules: Rules, checker: Checker, now: Callable[[], datetime]) -> None:
        self._rules, self._checker, self._now = rules, checker, now
        self._pairs: Pairs[Message, tuple[Message, Decided]] = Pairs()
        self.tally = Tally("authorize")

    async def run(self, messages: AsyncIterator[Message]) -> Tally:
        async for one in messages:
            self.take(one)
        for waiting in self._pairs.unanswered():
            self._unanswered(waiting)
        return self.tally

    def take(self, one: Message) -> None:
        try:
            self._checker.check(str(one.topic), one.value, one.headers.get(SIGNATURE), one.topic.written_by, one.at_ms / 1000)
            fact = decode(one.topic, one.value, dict(one.headers))
        except (BadSignature, Unreadable) as error:
            self.tally.aside(f"{one.topic.name}: {error.code}, so a dead letter")
            return
        pair = None
        if isinstance(fact, IdentityVerified):
            pair = self._pairs.asked(fact.asked.request_hash, one)
        elif isinstance(fact, GrantApproved | GrantDenied):
            pair = self._pairs.answered(fact.asked.request_hash, (one, fact))
        if pair is not None:
            self._compare(pair[0], *pair[1])

    def _compare(self, asked: Message, where: Message, fact: Decided) -> None:
        try:
            again = encode(self._again(asked, fact))
        except NoHistory as gap:
            self.tally.aside(str(gap))
            return
        except ValueError as error:
            self.tally.differs(where.place, fact.kind, fact.asked.request_id, f"today's code raises {type(error).__name__}")
            return
        if again == where.value:
            self.tally.same(fact.kind)
        else:
            self.tally.differs(
                where.place, fact.kind, fact.asked.request_id, "today's code decides otherwise", json.loads(where.value), json.loads(again)
            )

    def _again(self, asked: Message, fact: Decided) -> Decided:
        """A message that came twice may have been decided about twice: each decision by the very bytes that it rests on."""
        value, signature = asked.value, asked.headers[SIGNATURE]
        if isinstance(fact, GrantApproved) and fact.evidence.value.encode() != value:
            value, signature = fact.evidence.value.encode(), fact.evidence.signature.encode()
            self._checker.check(str(asked.topic), value, signature, asked.topic.written_by, fact.at.timestamp())
        return decided(self._rules, decode(asked.topic, value, {}), fact, Evidence(value=value.decode(), signature=signature.decode()))

    def _unanswered(self, one: Message) -> None:
        fact = decode(one.topic, one.value, {})
        if self._now() < fact.asked.deadline:
            self.tally.aside(ON_ITS_WAY)
        else:
            self.tally.differs(one.place, fact.kind, fact.asked.request_id, "nothing on exchange.authorized answers it")


class FromLeaves:
    """The same beyond retention: a leaf holds an identity without its box, and of the evidence the hash, which is that of the identity's leaf."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._pairs: Pairs[Leaf, Leaf] = Pairs()
        self.tally = Tally("authorize")

    async def run(self, leaves: AsyncIterator[Leaf]) -> Tally:
        async for index, leaf in leaves:
            fact, pair = leaf["fact"], None
            if fact["kind"] == "identity.verified":
                pair = self._pairs.asked(fact["asked"]["request_hash"], (index, leaf))
            elif fact["kind"] in ("grant.approved", "grant.denied"):
                pair = self._pairs.answered(fact["asked"]["request_hash"], (index, leaf))
            if pair is not None:
                self._compare(pair[0][1], *pair[1])
        for _ in (*self._pairs.unanswered(), *self._pairs.unasked()):
            self.tally.aside("its other half is not in what was read")
        return self.tally

    def _compare(self, asked: dict[str, Any], index: int, leaf: dict[str, Any]) -> None:
        recorded = leaf["fact"]
        fact: Decided = FACT.validate_python({**recorded, "evidence": NO_EVIDENCE} if "evidence" in recorded else recorded)
        who = IdentityVerified.model_validate({**asked["fact"], "subject_box": ""})
        try:
            now = json.loads(encode(decided(self._rules, who, fact, NO_EVIDENCE)))
        except NoHistory as gap:
            self.tally.aside(str(gap))
            return
        if "evidence" in now:
            now["evidence"] = {"sha256": asked["fact_sha256"]}
        if canonical(now) == canonical(recorded):
            self.tally.same(fact.kind)
        else:
            self.tally.differs(f"leaf {index}", fact.kind, fact.asked.request_id, "today's code decides otherwise", recorded, now)


def decided(rules: Rules, who: IdentityVerified, fact: Decided, evidence: Evidence) -> Decided:
    """As the policy service does, at the time that the decision names. Whether the registry was confirmed is an input that its code records."""
    revision = fact.grounds.registry_revision
    if isinstance(fact, GrantDenied) and fact.code == "registry_unavailable":
        return grants.unavailable(who, grants.Known(Grounds(registry_revision=revision), evidence), fact.at)
    return grants.decide(who, look_up(rules.history.at(revision), who, evidence), rules.at(revision).ask, fact.at)
