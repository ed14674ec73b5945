"""What is asked of issuers and providers: always timed, a span for a sampled exchange only, and what a provider says of its quota."""

import asyncio

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from counterfoil_server.runtime.telemetry import names, outgoing
from counterfoil_server.runtime.telemetry.instruments import Gauge, histogram
from services.providers.seam import Refused, Unavailable
from tests.telemetry.recording import Recording


@pytest.fixture(name="recording")
def into_memory(monkeypatch: pytest.MonkeyPatch) -> Recording:
    made = Recording()
    monkeypatch.setattr(outgoing, "_TRACER", made.tracer)
    monkeypatch.setattr(outgoing, "_REQUESTS", histogram(made.meter, names.HTTP_DURATION))
    monkeypatch.setattr(outgoing, "_ACTS", histogram(made.meter, names.PROVIDER_DURATION))
    monkeypatch.setattr(outgoing, "_QUOTA", Gauge(made.meter, names.QUOTA))
    monkeypatch.setattr(outgoing, "_left", {})
    return made


def test_a_request_of_a_sampled_exchange_is_a_client_span_and_an_exemplar(recording: Recording):
    with (
        recording.tracer.start_as_current_span("process"),
        outgoing.act("github/acme", "mint"),
        outgoing.request("POST", "api.example", 443) as heard,
    ):
        heard(201)

    request, process = recording.spans
    assert (request.name, request.kind, request.parent.span_id) == ("POST api.example", SpanKind.CLIENT, process.context.span_id)
    assert request.attributes[names.STATUS] == 201
    (point,) = recording.points(names.HTTP_DURATION)
    assert point.attributes == {
        names.METHOD: "POST", names.SERVER: "api.example", names.PORT: 443, names.STATUS: 201, names.BY_PROVIDER: "github"
    }  # fmt: skip
    assert [exemplar.trace_id for exemplar in point.exemplars] == [process.context.trace_id]


def test_without_a_sampled_exchange_nothing_begins_a_trace(recording: Recording):
    with outgoing.act("github/acme", "mint"), outgoing.request("GET", "api.example", 443) as heard:
        heard(200)
    with outgoing.asked("GET jwks"), outgoing.act("postgres/demo", "mint"):
        pass

    assert recording.spans == []
    assert [point.count for point in recording.points(names.HTTP_DURATION, names.PROVIDER_DURATION)] == [1, 1, 1]


@pytest.mark.parametrize(("status", "expected"), [(200, StatusCode.UNSET), (403, StatusCode.UNSET), (429, StatusCode.UNSET), (503, StatusCode.ERROR)])
def test_a_no_of_a_server_is_no_error(recording: Recording, status: int, expected: StatusCode):
    with recording.tracer.start_as_current_span("process"), outgoing.request("GET", "api.example", 443) as heard:
        heard(status)

    assert recording.spans[0].status.status_code is expected
    assert recording.points(names.HTTP_DURATION)[0].attributes.get(names.ERROR) == ("503" if status == 503 else None)


@pytest.mark.parametrize(("fault", "said"), [(TimeoutError(), "timeout"), (asyncio.CancelledError(), "timeout"), (OSError(), "OSError")])
def test_no_answer_is_an_error(recording: Recording, fault: BaseException, said: str):
    with recording.tracer.start_as_current_span("process"), pytest.raises(type(fault)), outgoing.request("GET", "api.example", 443):
        raise fault

    assert (recording.spans[0].attributes[names.ERROR], recording.spans[0].status.status_code) == (said, StatusCode.ERROR)
    assert recording.points(names.HTTP_DURATION)[0].attributes[names.ERROR] == said


def test_what_takes_several_requests_is_one_span(recording: Recording):
    with recording.tracer.start_as_current_span("process"), outgoing.asked("GET jwks"):
        for _ in range(2):
            with outgoing.request("GET", "issuer.example", 443) as heard:
                heard(200)

    assert [span.name for span in recording.spans] == ["GET jwks", "process"]
    assert recording.points(names.HTTP_DURATION)[0].count == 2


def test_a_provider_that_speaks_no_http_has_one_span_and_one_that_does_has_those_of_its_requests(recording: Recording):
    with recording.tracer.start_as_current_span("process"):
        with outgoing.act("postgres/demo", "revoke"):
            pass
        with outgoing.act("github/acme", "mint"), outgoing.request("POST", "api.example", 443):
            pass

    assert [span.name for span in recording.spans] == ["revoke postgres", "POST api.example", "process"]


@pytest.mark.parametrize(("fault", "outcome"), [(Refused("a", "b"), "refused"), (Unavailable("a", "b"), "unavailable"), (ValueError(), "unknown")])
def test_how_an_act_ended(recording: Recording, fault: Exception, outcome: str):
    with pytest.raises(type(fault)), outgoing.act("postgres/demo", "mint"):
        raise fault

    assert recording.points(names.PROVIDER_DURATION)[0].attributes == {"provider": "postgres", "phase": "mint", "outcome": outcome}


def test_the_last_word_on_a_quota_stands(recording: Recording):
    outgoing.quota({outgoing.LEFT: "9"})  # nobody's act
    with outgoing.act("github/acme", "mint"):
        for said in ("5000", "4999", "", "-1", "many", "9" * 99, "\u0662"):
            outgoing.quota({outgoing.LEFT: said})
    with outgoing.act("github/other", "mint"):
        outgoing.quota({outgoing.LEFT: "7"})

    assert recording.values(names.QUOTA) == {("github/acme", "github"): 4999, ("github/other", "github"): 7}
