"""What the bus tells of a batch: spans of sampled records, metrics of all, and what a fact says of itself."""

import asyncio
from typing import Any, cast
from uuid import UUID

import pytest
from opentelemetry.trace import StatusCode, get_current_span

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified, revocation_ordered, revocation_requested
from counterfoil.contracts.base import Topic
from counterfoil.wire.envelope import TRACEPARENT
from counterfoil_server.runtime.stage import Emit, Out, Received, each
from counterfoil_server.runtime.telemetry import current, names
from tests.telemetry.recording import PARENT, SAMPLED, TRACE, UNSAMPLED, Recording, record

VERIFIED = exchange_verified.TOPIC, "identity.verified"


def out(topic: Topic, kind: str, cause: Received | None = None, **more: Any) -> Out:
    made = record(topic, kind)
    return Out(topic, made.fact, key="k", event_id="e", cause=cause, **more)


def test_a_stage_is_a_child_of_who_sent_and_linked_to_it_and_what_it_sends_is_its_own_child():
    recording, one = Recording(), record(*VERIFIED, ago=2.0)

    with recording.telemetry.batch([one], "policy"):
        ((name, header),) = recording.telemetry.sent(out(exchange_authorized.TOPIC, "grant.denied", one))

    send, process = recording.spans
    assert (process.name, send.name) == ("process exchange.verified", "send exchange.authorized")
    assert f"{process.parent.span_id:016x}" == f"{process.links[0].context.span_id:016x}" == PARENT
    assert send.parent.span_id == process.context.span_id
    assert (name, header.decode()) == (TRACEPARENT, f"00-{TRACE}-{send.context.span_id:016x}-01")
    assert process.attributes[names.QUEUE_SECONDS] == pytest.approx(2.0, abs=0.5)
    assert (process.attributes[names.DECISION], process.attributes[names.CODE]) == ("deny", "beyond_ceiling")
    assert process.status.status_code is StatusCode.UNSET
    assert names.ERROR not in process.attributes


def test_of_an_unsampled_record_there_are_metrics_and_its_traceparent_goes_on():
    recording, one = Recording(), record(*VERIFIED, UNSAMPLED)

    with recording.telemetry.batch([one], "policy"):
        headers = recording.telemetry.sent(out(exchange_authorized.TOPIC, "grant.approved", one))

    assert headers == [(TRACEPARENT, UNSAMPLED)]
    assert recording.spans == []
    assert [point.count for point in recording.points(names.PROCESS_DURATION)] == [1]
    assert recording.values(names.DECISIONS) == {("allow",): 1}
    assert recording.values(names.CONSUMED) == {("policy", "exchange.verified.v1", "process", "kafka"): 1}


def test_histograms_lead_to_the_traces_that_were_recorded_and_to_no_other():
    recording = Recording()
    batch = [record(*VERIFIED), record(*VERIFIED, UNSAMPLED), record(*VERIFIED, None)]

    with recording.telemetry.batch(batch, "policy"):
        pass

    metrics = names.PROCESS_DURATION, names.QUEUE_DURATION
    for metric, point in zip(metrics, recording.points(*metrics), strict=True):
        assert point.count == 1  # of the batch
        assert [f"{exemplar.trace_id:032x}" for exemplar in point.exemplars] == [TRACE]
        assert tuple(point.explicit_bounds) == metric.buckets


def test_a_batch_that_breaks_is_an_error_and_so_is_a_dead_letter_but_only_its_own():
    recording, good, bad = Recording(), record(*VERIFIED), record(*VERIFIED)
    with recording.telemetry.batch([good, bad], "policy"):
        recording.telemetry.buried(bad, "bad_evidence")
    assert [span.status.status_code for span in recording.spans] == [StatusCode.UNSET, StatusCode.ERROR]
    assert recording.spans[1].attributes[names.ERROR] == "bad_evidence"

    with pytest.raises(ConnectionError), recording.telemetry.batch([good], "policy"):
        raise ConnectionError

    assert recording.spans[-1].status.status_code is StatusCode.ERROR
    assert {point.attributes.get(names.ERROR) for point in recording.points(names.PROCESS_DURATION)} == {None, "ConnectionError"}


async def test_each_message_is_handled_within_its_own_span():
    recording, batch, found = Recording(), [record(*VERIFIED), record(*VERIFIED, UNSAMPLED)], dict[int, int]()

    async def handle(one: Received) -> None:
        await asyncio.sleep(0)
        found[id(one)] = get_current_span().get_span_context().span_id
        current.note(one, names.LEAF, 5)

    with recording.telemetry.batch(batch, "policy"):
        await each(batch, cast("Emit", None), handle)  # nothing is buried

    (span,) = recording.spans
    assert list(found.values()) == [span.context.span_id, 0]
    assert span.attributes[names.LEAF] == 5


def test_what_the_ledger_keeps_is_the_span_of_the_mint():
    recording, one = Recording(), record(exchange_authorized.TOPIC, "grant.approved")
    with recording.telemetry.batch([one], "mint"):
        kept = current.traceparent(one)
    assert kept == f"00-{TRACE}-{recording.spans[0].context.span_id:016x}-01".encode()
    assert current.traceparent(one) == SAMPLED


def test_the_end_of_a_credential_is_a_trace_of_its_own_from_when_it_was_ordered():
    recording, order = Recording(), record(revocation_requested.TOPIC, "revocation.requested")
    minted = f"00-{UUID(int=7).hex}-{9:016x}-01".encode()
    ordered = out(revocation_ordered.TOPIC, "revocation.ordered", order, headers=(("mint-traceparent", minted),))
    fact: Any = ordered.fact

    with recording.telemetry.batch([order], "revoker"):
        recording.telemetry.sent(ordered)

    send, root, process = recording.spans
    assert (root.name, root.parent, send.parent.span_id) == (f"revoke {fact.connector}", None, root.context.span_id)
    assert root.context.trace_id != process.context.trace_id
    assert [link.context.span_id for link in root.links] == [9, process.context.span_id]
    assert root.start_time == int(fact.at.timestamp() * 1e9)


def test_counts_are_by_what_was_decided():
    recording = Recording()
    for topic, kind in (
        (exchange_verified.TOPIC, "identity.rejected"),
        (exchange_minted.TOPIC, "mint.refused"),
        (exchange_minted.TOPIC, "credential.minted"),
    ):
        recording.telemetry.sent(out(topic, kind))
    assert [*recording.values(names.VERIFY_FAILURES).values(), *recording.values(names.REFUSALS).values()] == [1, 1]
    (lent,) = recording.points(names.LIFETIME_GRANTED)
    fact = record(exchange_minted.TOPIC, "credential.minted").fact
    assert lent.sum == pytest.approx((fact.expires_at - fact.at).total_seconds(), abs=1)
