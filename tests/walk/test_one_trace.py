"""One trace from the door to the reply, through all four stages."""

import asyncio

from tests.support.otlp import Span
from tests.support.town import Town

EXPECTED = {
    ("gateway", "send exchange.requested"),
    ("verifier", "process exchange.requested"),
    ("verifier", "send exchange.verified"),
    ("policy", "process exchange.verified"),
    ("policy", "send exchange.authorized"),
    ("mint", "process exchange.authorized"),
    ("mint", "send exchange.minted"),
    ("audit", "process exchange.verified"),
    ("audit", "process exchange.authorized"),
    ("audit", "process exchange.minted"),
    ("audit", "send exchange.replied"),
    ("gateway", "process exchange.replied"),
}


async def spans_of(town: Town, trace_id: str, within: float = 20.0) -> list[Span]:
    """The exporters send every five seconds."""
    found: list[Span] = []
    for _ in range(int(within / 0.2)):
        found = [span for span in town.otlp.spans if span.trace_id == trace_id]
        if {(span.service, span.name) for span in found} >= EXPECTED:
            return found
        await asyncio.sleep(0.2)
    return found


async def test_one_trace_id_runs_from_the_callers_span_through_every_stage_to_the_reply(town: Town):
    trace_id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    data = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": await town.id_token(), "audience": "postgres/demo",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "scope": "read"}  # fmt: skip
    answer = await town.http.post(f"{town.plan.url}/oauth2/token", data=data, headers={"traceparent": f"00-{trace_id}-{parent}-01"})
    assert answer.status_code == 200, answer.text

    spans = await spans_of(town, trace_id)

    assert {(span.service, span.name) for span in spans} >= EXPECTED
    ids = {span.span_id for span in spans} | {parent}
    assert all(span.parent_id in ids for span in spans), "a span hangs in the air"
    processed = [span for span in spans if span.name.startswith("process ")]
    assert all(float(str(span.attributes["counterfoil.queue.seconds"])) >= 0 for span in processed)
    by_id = {span.span_id: span for span in spans}
    stage = next(span for span in spans if (span.service, span.name) == ("policy", "process exchange.verified"))
    assert by_id[stage.parent_id].name == "send exchange.verified"


async def test_a_denial_is_no_error(town: Town):
    trace_id = "1af7651916cd43dd8448eb211c80319c"
    data = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": await town.id_token(), "audience": "postgres/demo",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "scope": "admin"}  # fmt: skip
    answer = await town.http.post(f"{town.plan.url}/oauth2/token", data=data, headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
    assert answer.status_code == 400
    for _ in range(100):
        policy = [span for span in town.otlp.spans if span.trace_id == trace_id and span.service == "policy"]
        if policy:
            break
        await asyncio.sleep(0.2)
    process = next(span for span in policy if span.name == "process exchange.verified")
    assert process.attributes["counterfoil.reason"] == "beyond_ceiling"
    assert "error.type" not in process.attributes
