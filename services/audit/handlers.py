"""exchange.*, revocation.*, registry.changed -> exchange.replied, audit.recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from counterfoil.contracts import (
    audit_recorded,
    consent_settled,
    exchange_authorized,
    exchange_minted,
    exchange_replied,
    exchange_verified,
    registry_changed,
    revocation_ordered,
    revocation_requested,
    revocation_settled,
)
from counterfoil.wire.sealing import Sealer
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import DeadLetter, Emit, Received, Stage
from counterfoil_server.runtime.telemetry import current, names
from services.audit.batch import OUTCOMES, Batch, Standing, sort
from services.audit.fence import Fence
from services.audit.heartbeat import Progress
from services.audit.leaves import Entry, entry
from services.audit.log import Appended, Log
from services.audit.recorded import recorded
from services.audit.replies import Reply, as_revoked, reply

READS = (exchange_verified.TOPIC, exchange_authorized.TOPIC, exchange_minted.TOPIC, revocation_requested.TOPIC, revocation_ordered.TOPIC,
         revocation_settled.TOPIC, registry_changed.TOPIC, consent_settled.TOPIC)  # fmt: skip
WRITES = (exchange_replied.TOPIC, audit_recorded.TOPIC)


@dataclass(frozen=True, slots=True)
class Desk:
    """What answering takes. `partitions`: of exchange.replied, as of every topic."""

    log: Log
    fence: Fence
    progress: Progress
    sealer: Sealer
    partitions: int
    now: Clock


def routes(desk: Desk) -> tuple[Stage, ...]:
    async def on_facts(received: Sequence[Received], emit: Emit) -> None:
        desk.progress.took(received)
        batch, standing = await _sorted(desk, _entries(received, emit))
        crash.at("audit.appending")
        appended = await desk.log.append(batch, desk.now(), await desk.progress.caught_up_to(appending=True))
        crash.at("audit.appended")
        desk.progress.appended(received)
        for new, leaf in zip(batch.new, appended.leaves, strict=True):
            current.note(new.cause, names.LEAF, leaf.index)
        await _answer(desk, batch, {**standing, **appended.standing}, appended, emit)

    return (Stage("audit", READS, WRITES, on_facts, acked="audit.acked"),)


def _entries(received: Sequence[Received], emit: Emit) -> list[Entry]:
    """One that can be no leaf is a dead letter, and takes no other with it."""
    found = []
    for one in received:
        try:
            found.append(entry(one))
        except DeadLetter as fault:
            emit.bury(one, fault)
    return found


async def _sorted(desk: Desk, entries: Sequence[Entry]) -> tuple[Batch, Mapping[str, Standing]]:
    """Nobody else writes these rows, so what was read here is still true when the leaves are appended."""
    answering = {one.cause.fact.asked.request_hash for one in entries if type(one.cause.fact) in OUTCOMES}
    seen, standing = await desk.log.known({one.fact_id for one in entries}, answering)
    return sort(entries, seen, standing, desk.now(), desk.partitions), standing


async def _answer(desk: Desk, batch: Batch, standing: Mapping[str, Standing], appended: Appended, emit: Emit) -> None:
    """A minted credential goes out under the fence, all other answers without; the leaves are published last, being the least urgent."""
    told = [(standing[request_hash], cause) for request_hash, cause in batch.asked_again.items() if request_hash in standing]
    replies = _replies(desk, told)
    free = [one for one in replies if one.standing.outcome != "minted"]
    sent = [await emit([one.out for one in free])]
    minted = [one for one in replies if one.standing.outcome == "minted"]
    refused = await desk.fence.hand_over(minted, emit)
    revoked = _replies(desk, [(as_revoked(one.standing), one.cause) for one in refused if desk.now() < one.standing.deadline])
    leaves = [*batch.repeated.values(), *appended.leaves]
    sent.append(await emit([*(one.out for one in revoked), *recorded(leaves, appended.checkpoint, desk.now())]))
    for acknowledged in sent:
        await acknowledged
    handed = [one for one in minted if one not in refused]
    await desk.log.delivered({one.standing.request_hash for one in (*free, *handed, *revoked)})


def _replies(desk: Desk, told: Iterable[tuple[Standing, Received]]) -> list[Reply]:
    found = (reply(standing, cause, desk.sealer, desk.partitions) for standing, cause in told)
    return [one for one in found if one is not None]
