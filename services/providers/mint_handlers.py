"""exchange.authorized -> exchange.minted; consent.returned -> consent.settled."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from counterfoil.contracts import consent_returned, consent_settled, exchange_authorized, exchange_minted
from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused, RefusalCode
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import decode, encode
from counterfoil_server.domain.intent import Refuse, Repeat
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import DeadLetter, Emit, Out, Received, Stage, answer, each_now, onward_soon
from services.providers import calls, pausing
from services.providers.boxes import Boxes
from services.providers.bulkhead import OPEN, SHARE, Bulkhead
from services.providers.calls import Means
from services.providers.consents import Consenting, Said
from services.providers.evidence import Checks
from services.providers.ledger import Failed, Ledger
from services.providers.ledger_rows import Finished
from services.providers.wanted import Intent, Wanted

TOPIC = exchange_minted.TOPIC
WORDS: dict[RefusalCode, str] = {
    "unknown_connector": "the registry has no such connector",
    "evidence_mismatch": "the grant is not about the identity it carries",
    "beyond_evidence": "the grant goes beyond what was asked",
}
Send = Callable[[Sequence[Out]], Awaitable[None]]
"""Comes back when the broker has acknowledged."""
BUSY = f"{SHARE} requests for this connector are under way"


def routes(checks: Checks, ledger: Ledger, means: Means, boxes: Boxes, now: Clock, consenting: Consenting) -> tuple[Stage, ...]:
    minting = Minting(checks, ledger, means, boxes, now)
    return (
        Stage("mint", (exchange_authorized.TOPIC,), (TOPIC,), minting.on_batch, max_records=200, acked="mint.acked", window=OPEN),
        Stage("mint-consent", (consent_returned.TOPIC,), (consent_settled.TOPIC,), partial(on_returned, consenting)),
    )


async def on_returned(consenting: Consenting, batch: Sequence[Received], emit: Emit) -> None:
    async def one(received: Received) -> None:
        try:
            said = await consenting.settle(received.fact)
        except DeadLetter as fault:
            emit.bury(received, fault)
        else:
            if said is not None:
                await emit([settled(said, received)])

    await asyncio.gather(*map(one, batch))


async def say(send: Send, said: Said) -> None:
    """What was waited for, when no message is in hand any more."""
    await send([settled(said)])


def settled(said: Said, received: Received | None = None) -> Out:
    fact, value = said
    return Out(consent_settled.TOPIC, fact, str(fact.consent_id), str(fact.id), received, value=value)


class Minting:
    """Check, intend, call, swap, say. The secret lives from `call` to the seals and no longer."""

    def __init__(self, checks: Checks, ledger: Ledger, means: Means, boxes: Boxes, now: Clock) -> None:
        self._checks, self._ledger, self._means, self._boxes, self._now = checks, ledger, means, boxes, now
        self._bulkhead = Bulkhead()

    async def on_batch(self, batch: Sequence[Received], emit: Emit) -> None:
        found = [result for _, result in each_now(batch, emit, self.check)]
        wanted = [(one, self._bulkhead.admit(one)) for one in found if isinstance(one, Wanted)]
        admitted = [one for one, may in wanted if may]
        try:
            busy = [self.refused(one.received, "provider_unavailable", BUSY, retry_after=1) for one, may in wanted if not may]
            await emit([*(one for one in found if isinstance(one, Out)), *busy])
            await self.mint_all(admitted, emit)
        finally:
            for one in admitted:
                self._bulkhead.leave(one)

    async def mint_all(self, wanted: Sequence[Wanted], emit: Emit) -> None:
        """What finds a place goes together. The rest waits for one, each by itself, and is no longer in the next batch's way."""
        at_once, later = list[Wanted](), list[Wanted]()
        for one in wanted:
            if self._bulkhead.free(one):
                await self._bulkhead.enter(one)
                at_once.append(one)
            else:
                later.append(one)
        waiting = [asyncio.create_task(self.mint_late(one, emit)) for one in later]
        try:
            await self.mint(at_once, emit)
            emit.onward()
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()

    async def mint_late(self, one: Wanted, emit: Emit) -> None:
        await self._bulkhead.enter(one)
        await self.mint([one], emit)

    def check(self, received: Received) -> Wanted | Out | None:
        if not isinstance(received.fact, GrantApproved):
            return None  # denied: audit answers
        found = self._checks.check(received, self._now().timestamp())
        if not isinstance(found, Wanted):
            return self.refused(received, found, WORDS[found])
        if (longest := int(found.provider.longest.total_seconds())) < found.grant.lifetime:
            return self.refused(received, "provider_refused", f"longest: {found.provider.name} lends for at most {longest} s")
        return found

    async def mint(self, entered: Sequence[Wanted], emit: Emit) -> None:
        """Calls that answered swap and go out at once, and leave; only the offset waits for the slowest."""
        pending = set[asyncio.Task[Finished | Failed]]()
        try:
            verdicts = await pausing.intended(lambda some: self._ledger.intend(some, self._now()), entered) if entered else []
            await emit([out for one, verdict in zip(entered, verdicts, strict=True) if (out := self.said(one, verdict))])
            for one, verdict in zip(entered, verdicts, strict=True):
                if not isinstance(verdict, Intent):
                    self._bulkhead.leave(one)
            pending = {asyncio.create_task(self.call(verdict)) for verdict in verdicts if isinstance(verdict, Intent)}
            with onward_soon(emit):
                while pending:
                    done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                    await self.settle([task.result() for task in done], emit)
        finally:  # what is cut off here is taken over as another attempt when the batch comes again
            for task in pending:
                task.cancel()

    async def call(self, intent: Intent) -> Finished | Failed:
        result = await calls.mint(intent, self._means, self._now())
        if not isinstance(result, calls.No):
            return self._boxes.close(intent, result)
        said = self.refusal(intent.wanted.received, result.code, result.message, intent, result.retry_after)
        if result.minted is None:
            return Failed(intent, said, encode(said), result.lost)
        return Failed(intent, said, encode(said), result.lost, result.minted.handle, self._boxes.seal_2(intent, result.minted))

    async def settle(self, done: Sequence[Finished | Failed], emit: Emit) -> None:
        finished = [one for one in done if isinstance(one, Finished)]
        failed = [one for one in done if isinstance(one, Failed)]
        if finished:
            crash.at("mint.answered")
        held = await self._ledger.swap(finished) if finished else set()
        if held:
            crash.at("mint.swapped")
        if failed:
            await self._ledger.fail(failed)
        outs = [exact(one.intent.wanted, one.said, one.fact) for one in failed]
        for one in finished:
            if one.intent.credential_id in held:
                outs.append(exact(one.intent.wanted, one.said, one.fact))
            else:
                outs.append(self.refused(one.intent.wanted.received, "revoked", "fenced, blocked or overtaken while it was minted", one.intent))
        await emit(outs)
        for settled in done:
            self._bulkhead.leave(settled.intent.wanted)

    def said(self, one: Wanted, verdict: Intent | Repeat | Refuse) -> Out | None:
        match verdict:
            case Repeat():
                return exact(one, decode(TOPIC, verdict.fact, {}), verdict.fact)
            case Refuse():
                return answer(TOPIC, self.refusal(one.received, verdict.code, verdict.message, retry_after=verdict.retry_after), one.received)
            case _:
                return None

    def refusal(
        self, received: Received, code: RefusalCode, message: str, intent: Intent | None = None, retry_after: int | None = None
    ) -> MintRefused:
        grant: GrantApproved = received.fact
        about = {name: getattr(grant, name) for name in ("connector", "issuer", "sub_hash", "project", "environment")}
        identifier = intent.credential_id if intent else None
        said = {"code": code, "message": message[:1024], "retry_after": retry_after}
        return MintRefused.after(grant, at=self._now(), credential_id=identifier, decision_hash=digest(received.value), **said, **about)

    def refused(self, received: Received, code: RefusalCode, message: str, intent: Intent | None = None, retry_after: int | None = None) -> Out:
        return answer(TOPIC, self.refusal(received, code, message, intent, retry_after), received)


def exact(one: Wanted, said: CredentialMinted | MintRefused, fact: bytes) -> Out:
    """The ledger's bytes, never made anew."""
    return Out(TOPIC, said, key=str(said.asked.request_id), event_id=str(said.id), cause=one.received, partition=one.received.partition, value=fact)
