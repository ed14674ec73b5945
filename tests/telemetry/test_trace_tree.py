"""The traces are those that docs/explanation/traces.md draws, and a run of everything tells every metric of the table, and none beside."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.names import METRICS
from services.dev.postgres import Postgres
from tests.support.otlp import Point
from tests.support.town import founded
from tests.telemetry.driven import CONNECTOR, Driven, driven
from tests.telemetry.pictures import Node, differs, grown, pictures

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "300"}
OUTCOMES = {"granted", "rejected", "denied", "refused"}
KINDS = {"counter": "sum", "histogram": "histogram", "gauge": "gauge"}


@pytest.fixture(scope="module", name="run")
async def of_the_module(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driven]:
    folder = tmp_path_factory.mktemp("traced")
    async with founded(folder, kafka, postgres_server, extra=SOON) as town, driven(town, folder / "second") as made:
        yield made


async def traced(run: Driven, drawn: Node, find: Callable[[], str], within: float = 30.0) -> Node:
    """The trace, once it looks like the picture; or else what it looks like in the end."""
    real: list[Node] = []
    for _ in range(int(within / 0.2)):
        trace_id = find()
        real = grown(run.spans(trace_id), run.host) if trace_id else []
        if [one.shape() for one in real] == [drawn.shape()]:
            break
        await asyncio.sleep(0.2)
    assert [one.shape() for one in real] == [drawn.shape()]
    return real[0]


@pytest.mark.parametrize("which", ["Granted", "Rejected", "Denied", "Refused"])
async def test_an_exchange_is_the_trace_that_is_drawn(run: Driven, which: str):
    (drawn,) = pictures(which)

    real = await traced(run, drawn, lambda: run.trace_of("exchange", **{names.CONVERSATION: run.requests[which]}))

    assert differs(drawn, real) == []
    for node in real.walk():
        assert node.span is not None
        assert node.span.status == 0, f"{node.name}: a no is no error"
        assert names.ERROR not in node.span.attributes
        if node.kind == "CONSUMER":
            assert float(str(node.span.attributes[names.QUEUE_SECONDS])) >= 0
            assert node.span.parent_id in node.span.links


async def test_a_revocation_is_a_trace_of_its_own_linked_to_the_mint_and_to_the_order(run: Driven):
    order, death = pictures("Revoked")
    dies = {names.CREDENTIAL: run.credential}

    real = await traced(run, death, lambda: run.trace_of("revoke ", **dies))

    assert differs(death, real) == []
    assert real.span is not None
    minted = next(span for span in run.town.otlp.spans if span.name == "process exchange.authorized" and dies.items() <= span.attributes.items())
    ordered = next(span for span in run.town.otlp.spans if span.span_id in real.span.links and span.name == "process revocation.requested")
    assert {*real.span.links} == {minted.span_id, ordered.span_id}
    assert len({minted.trace_id, ordered.trace_id, real.span.trace_id}) == 3
    assert differs(order, await traced(run, order, lambda: ordered.trace_id)) == []


async def everything(run: Driven, within: float = 45.0) -> list[Point]:
    """What was told by the time that every metric was, and every way in which an exchange ends: processes tell each in its own time."""
    for _ in range(int(within / 0.5)):
        outcomes = {one.labels["outcome"] for one in run.town.otlp.points if one.name == names.EXCHANGE_DURATION.name}
        if outcomes >= OUTCOMES and {one.name for one in run.town.otlp.points} >= {metric.name for metric in METRICS}:
            break
        await asyncio.sleep(0.5)
    return list(run.town.otlp.points)


async def test_a_run_of_everything_tells_every_metric_and_no_other(run: Driven):
    points = await everything(run)

    assert {one.name for one in points} == {metric.name for metric in METRICS}
    assert {(one.name, one.unit, one.kind) for one in points} == {(metric.name, metric.unit, KINDS[metric.kind]) for metric in METRICS}


async def test_a_metric_has_the_labels_of_its_line_and_no_other(run: Driven):
    allowed = {metric.name: set(metric.labels) for metric in METRICS}

    points = await everything(run)

    assert {(one.name, *sorted(set(one.labels) - allowed[one.name])) for one in points if set(one.labels) - allowed[one.name]} == set()
    seen = {name: set().union(*(one.labels for one in points if one.name == name)) for name in allowed}
    assert {name: labels - seen[name] - {names.ERROR} for name, labels in allowed.items() if labels - seen[name] - {names.ERROR}} == {}
    for value in {str(value) for one in points for value in one.labels.values()}:
        assert value not in {*run.requests.values(), run.credential}


async def test_what_is_told_is_so(run: Driven):
    points = await everything(run)

    def values(metric: str, label: str) -> set[object]:
        return {one.labels.get(label) for one in points if one.name == metric}

    assert values("counterfoil.exchange.duration", "outcome") >= OUTCOMES
    assert values("counterfoil.exchange.duration", "provider") == {"oauth2"}
    assert values("counterfoil.revocation.duration", "phase") == {"accepted", "ordered", "confirmed", "evicted"}
    assert values("counterfoil.decisions", "decision") == {"allow", "deny"}
    assert values("counterfoil.verify.failures", "reason") == {"wrong_audience"}
    assert values("counterfoil.provider.quota_remaining", "connector") == {CONNECTOR}
    assert {(one.service, one.instance) for one in points} == {(role, f"{role}-0") for role in run.town.plan.modules}


async def test_a_histogram_leads_to_the_trace_it_was_recorded_in(run: Driven):
    points = await everything(run)

    lead = {trace_id for one in points if one.name == "messaging.process.duration" for trace_id in one.exemplars}
    lead |= {trace_id for one in points if one.name == "counterfoil.exchange.duration" for trace_id in one.exemplars}
    assert run.trace_of("exchange", **{names.CONVERSATION: run.requests["Granted"]}) in lead


async def test_with_a_dead_address_every_exchange_is_answered_and_every_service_ends_cleanly(run: Driven):
    await run.town.otlp.close()

    answers = await asyncio.gather(*[run.town.ask(scope="read", requested_lifetime="60") for _ in range(40)])

    assert {answer.status_code for answer in answers} == {200}
    ending = [run.town.child(role) for role in run.town.plan.modules]
    await asyncio.gather(*(run.town.children.forget(child) for child in ending))
    assert {child.command.name: child.process.returncode for child in ending} == dict.fromkeys(run.town.plan.modules, 0)
