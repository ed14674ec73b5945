"""A recorded request through today's verifier, under the clock of then, and beside the fact that was made of it."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from counterfoil.contracts import exchange_requested
from counterfoil.contracts.exchange_requested import TOKEN_HEADER, ExchangeRequested
from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, IdentityVerified
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import Unreadable, decode, encode
from counterfoil.wire.lru import Lru
from counterfoil_server.domain import identity
from counterfoil_server.runtime.recorded import Message
from counterfoil_server.runtime.stage import DeadLetter
from services.verifier.handlers import check_envelope, read
from services.verifier.replay.record import Record
from services.verifier.replay.tally import Tally
from services.verifier.tokens import Tokens, Unproven

NO_KEY = "beyond the sealing key's life: this process has no key that opens the token"
OTHER_KEYS = "the issuer serves another key set now than the one that was recorded"
OTHER_ENTRY = "the issuer's entry is another now than the one that was recorded"
AWAY = "an issuer's keys could not be had, then or now"
NO_RECORD = "nothing was recorded of it in what was read"
DEAD = "a dead letter: nobody could be answered"
Made = IdentityVerified | IdentityRejected


class Replay:
    """`known`: the record by request_hash; None where it comes with the messages, from exchange.verified."""

    def __init__(self, tokens: Tokens, partitions: int, known: dict[str, Record] | None = None) -> None:
        self._tokens, self._partitions = tokens, partitions
        self._known, self._from_topic = known or {}, known is None
        self._asked: dict[str, Message] = {}
        self._usable: Lru[str, bool] = Lru(4096)
        self.tally = Tally()

    async def run(self, messages: AsyncIterator[Message]) -> Tally:
        async for one in messages:
            if one.topic is exchange_requested.TOPIC:
                await self._request(one)
            else:
                await self._fact(one)
        for one in self._asked.values():
            self.tally.aside(one.place, NO_RECORD)
        return self.tally

    async def _request(self, one: Message) -> None:
        request_hash = digest(one.value)
        record = self._known.pop(request_hash, None) if self._from_topic else self._known.get(request_hash)
        if record is not None:
            await self.compare(one, record)
        elif self._buried(one):
            self.tally.aside(one.place, DEAD)
        else:
            self._asked[request_hash] = one

    async def _fact(self, one: Message) -> None:
        record = Record(json.loads(one.value), one.place)
        request = self._asked.pop(record.request_hash, None)
        if request is not None:
            await self.compare(request, record)
        else:
            self._known.setdefault(record.request_hash, record)

    def _buried(self, one: Message) -> bool:
        try:
            check_envelope(decode(one.topic, one.value, dict(one.headers)), self._partitions, self._usable)
        except (Unreadable, DeadLetter):
            return True
        return False

    async def compare(self, one: Message, record: Record) -> None:
        made = await self._again(one, record.fact)
        if why := self._other(made, record.fact):
            self.tally.aside(one.place, why)
            return
        recorded, now = dict(record.fact), as_recorded(made, record.fact)
        if recorded == now:
            self.tally.equal[made.kind] += 1
        else:
            self.tally.differs(one.place, str(made.asked.request_id), f"today's code makes another fact than {record.where}", recorded, now)

    async def _again(self, one: Message, fact: Mapping[str, Any]) -> Made:
        request: ExchangeRequested = decode(one.topic, one.value, dict(one.headers))
        asked, bad_wish = read(request, one.value)
        at, revision = datetime.fromisoformat(fact["at"]), fact["basis"]["registry_revision"]
        fresh = fact.get("code") != "registry_unavailable"
        if no := identity.unproven(asked, Basis(registry_revision=revision), at, fresh=fresh):
            return no
        try:
            who, basis = await self._tokens.prove(one.headers.get(TOKEN_HEADER), asked.request_hash, at)
        except Unproven as why:
            basis = why.basis.model_copy(update={"registry_revision": revision})
            return identity.rejected(asked, why.code, why.message, basis, at, issuer=why.issuer)  # type: ignore[arg-type]
        return identity.decide(asked, who, request.wish, bad_wish, basis.model_copy(update={"registry_revision": revision}), at)

    def _other(self, made: Made, fact: Mapping[str, Any]) -> str | None:
        """What of the decision's inputs is another now, so that nothing can be said about the code."""
        codes, basis = {getattr(made, "code", None), fact.get("code")}, fact["basis"]
        if getattr(made, "code", None) == "unknown_key" and fact.get("code") != "unknown_key":
            return NO_KEY
        if "issuer_unavailable" in codes and fact.get("code") != getattr(made, "code", None):
            return AWAY
        if (made.basis.issuer_entry, made.basis.issuer_hash) != (basis.get("issuer_entry"), basis.get("issuer_hash")):
            return OTHER_ENTRY
        return OTHER_KEYS if made.basis.jwks_thumbprint != basis.get("jwks_thumbprint") else None


def as_recorded(made: Made, fact: Mapping[str, Any]) -> dict[str, Any]:
    """A seal is another every time: its place is taken by what was recorded of it."""
    found: dict[str, Any] = json.loads(encode(made))
    return found | {"subject_box": fact["subject_box"]} if "subject_box" in found and "subject_box" in fact else found
