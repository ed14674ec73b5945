"""Grants with what they rest on and what answered them: from the topics within retention, or from the leaves."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified
from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import SIGNATURE, Unreadable, decode
from counterfoil.wire.signing import BadSignature, Checker
from counterfoil_server.replay.backtest_kept import NO_EVIDENCE
from counterfoil_server.replay.backtest_pairs import Pairs
from counterfoil_server.runtime.recorded import Message
from services.ops.replay.stage_ledger import Ledger
from services.ops.replay.stage_mint import Answer, Case, Minting
from services.ops.replay.stage_tally import Tally

TOPICS = (exchange_authorized.TOPIC, exchange_minted.TOPIC)
PART = 200


class Grants:
    def __init__(self, minting: Minting, ledger: Ledger, checker: Checker) -> None:
        self._minting, self._ledger, self._checker = minting, ledger, checker
        self._whos: Pairs[Mapping[str, Any], tuple[int, dict[str, Any]]] = Pairs()
        self._answers: Pairs[Case, Answer] = Pairs()
        self._waiting: list[Case] = []

    async def from_topics(self, messages: AsyncIterator[Message]) -> Tally:
        async for one in messages:
            try:
                self._message(one)
            except (BadSignature, Unreadable) as error:
                self._minting.tally.aside(f"{one.topic.name}: {error.code}, so a dead letter")
            await self._settle(PART)
        return await self._end()

    async def from_leaves(self, leaves: AsyncIterator[tuple[int, dict[str, Any]]], *, cut: bool = False) -> Tally:
        """`cut`: what was read ends at some time, so that answers may stand beyond it."""
        async for index, leaf in leaves:
            self._leaf(index, leaf)
            await self._settle(PART)
        return await self._end(cut=cut)

    def _message(self, one: Message) -> None:
        self._checker.check(str(one.topic), one.value, one.headers.get(SIGNATURE), one.topic.written_by, one.at_ms / 1000)
        fact = decode(one.topic, one.value, dict(one.headers))
        if isinstance(fact, GrantApproved):
            value, verified = fact.evidence.value.encode(), exchange_verified.TOPIC
            self._checker.check(str(verified), value, fact.evidence.signature.encode(), verified.written_by, one.at_ms / 1000)
            self._asked(Case(one.place, fact, decode(verified, value, {}), digest(one.value), None, ()))
        elif isinstance(fact, CredentialMinted | MintRefused):
            self._answered(fact)

    def _leaf(self, index: int, leaf: dict[str, Any]) -> None:
        """Sealed members lie there by their hash, and nothing here reads them."""
        fact = leaf["fact"]
        pair = None
        match fact["kind"]:
            case "identity.verified":
                pair = self._whos.asked(fact["asked"]["request_hash"], fact)
            case "grant.approved" | "grant.denied":
                pair = self._whos.answered(fact["asked"]["request_hash"], (index, leaf))
            case "credential.minted":
                self._answered(CredentialMinted.model_validate({**fact, "box": ""}))
            case "mint.refused":
                self._answered(MintRefused.model_validate(fact))
        if pair is not None and pair[1][1]["fact"]["kind"] == "grant.approved":
            who, (place, found) = pair
            grant = GrantApproved.model_validate({**found["fact"], "evidence": NO_EVIDENCE})
            identity = IdentityVerified.model_validate({**who, "subject_box": ""})
            self._asked(Case(f"leaf {place}", grant, identity, found["fact_sha256"], None, ()))

    def _asked(self, case: Case) -> None:
        self._minting.saw(case)
        if pair := self._answers.asked(case.grant.asked.request_hash, case):
            self._waiting.append(answered(*pair))

    def _answered(self, fact: Answer) -> None:
        if pair := self._answers.answered(fact.asked.request_hash, fact):
            self._waiting.append(answered(*pair))

    async def _settle(self, least: int = 1) -> None:
        if len(self._waiting) < least:
            return
        rows = await self._ledger.rows(key(one) for one in self._waiting)
        for one in self._waiting:
            self._minting.compare(Case(one.where, one.grant, one.who, one.decision_hash, one.answer, rows.get(key(one), ())))
        self._waiting = []

    async def _end(self, *, cut: bool = False) -> Tally:
        for one in self._answers.unanswered():
            if cut:
                self._minting.tally.aside("its answer may stand beyond what was read")
            else:
                self._waiting.append(one)
        await self._settle()
        return self._minting.tally


def answered(case: Case, answer: Answer) -> Case:
    return Case(case.where, case.grant, case.who, case.decision_hash, answer, case.rows)


def key(case: Case) -> tuple[str, str, Any]:
    return case.grant.issuer, case.grant.sub_hash, case.grant.asked.request_id
