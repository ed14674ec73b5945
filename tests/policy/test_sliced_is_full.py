"""What the policies of a slice say is what all policies say."""

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil_server.runtime.cedar import Engine
from counterfoil_server.runtime.concern import parse
from counterfoil_server.runtime.slices import policy_set

CONNECTORS = ["pg/a", "pg/b", "gh/c"]
names = st.sampled_from(CONNECTORS)
literal = names.map(lambda name: f'Connector::"{name}"')
sets = st.lists(literal, min_size=1, max_size=2).map(lambda found: f"[{', '.join(found)}]")
FAILS = "context.claims.absent == 1"

resource_scopes = st.one_of(
    st.just("resource"),
    literal.map(lambda one: f"resource == {one}"),
    literal.map(lambda one: f"resource in {one}"),
    literal.map(lambda one: f"resource is Connector in {one}"),
    st.just('resource in Provider::"pg"'),
    st.just("resource is Connector"),
)
places = st.one_of(
    literal.map(lambda one: f"resource == {one}"),
    literal.map(lambda one: f"{one} == resource"),
    literal.map(lambda one: f"resource != {one}"),
    literal.map(lambda one: f"resource in {one}"),
    sets.map(lambda found: f"resource in {found}"),
    sets.map(lambda found: f"{found}.contains(resource)"),
    literal.map(lambda one: f"context.subjects.contains({one})"),
    st.just('resource == Entry::"pg/a"'),
)
others = st.sampled_from(["true", "false", FAILS, "context.lifetime < 10", "context has claims"])
terms = st.one_of(places, others, st.tuples(places, others).map(lambda two: f"({two[0]} || {two[1]})"))
bodies = st.lists(terms, min_size=1, max_size=3).map(" && ".join)
conditions = st.lists(st.tuples(st.sampled_from(["when", "unless"]), bodies), max_size=2)


@st.composite
def statements(draw: st.DrawFn) -> str:
    effect = draw(st.sampled_from(["permit", "forbid"]))
    tail = " ".join(f"{kind} {{ {body} }}" for kind, body in draw(conditions))
    return f"{effect} (principal, action, {draw(resource_scopes)}) {tail};"


texts = st.lists(statements(), min_size=1, max_size=2).map("\n".join)


def full(engine_texts: dict[str, str], principal: dict[str, object], resource: dict[str, object], context: dict[str, object]) -> tuple[bool, bool]:
    everything = {f"{name}.{place}": one for name, text in engine_texts.items() for place, one in enumerate(parse(text).statements)}
    request = {"principal": principal["uid"], "action": {"type": "Action", "id": "mint"}, "resource": resource["uid"], "context": context}
    answer = cedarpy.is_authorized(request, policy_set(everything), [principal, resource])
    error = bool(answer.diagnostics.errors)
    return answer.allowed and not error, error


def entity(kind: str, name: str, *parents: tuple[str, str]) -> dict[str, object]:
    return {"uid": {"type": kind, "id": name}, "attrs": {}, "parents": [{"type": up, "id": above} for up, above in parents]}


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), texts, min_size=1, max_size=6), names, st.integers(1, 20))
def test_the_sliced_answer_is_the_full_answer(given_texts: dict[str, str], connector: str, lifetime: int) -> None:
    principal = entity("Workload", "s", ("Project", "web"))
    resource = entity("Connector", connector, ("Provider", connector.partition("/")[0]))
    context: dict[str, object] = {"lifetime": lifetime, "claims": {"ref": "x"}, "subjects": ["x"]}

    verdict = Engine(given_texts).ask(principal, "mint", resource, context, connector)

    assert (verdict.allowed, verdict.error) == full(given_texts, principal, resource, context)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), texts, min_size=1, max_size=6))
def test_a_question_about_no_connector_has_the_full_answer_too(given_texts: dict[str, str]) -> None:
    principal, resource = entity("Operator", "o"), entity("Entry", "pg/a")
    context: dict[str, object] = {"lifetime": 1, "claims": {}, "subjects": []}

    verdict = Engine(given_texts).ask(principal, "mint", resource, context, None)

    assert (verdict.allowed, verdict.error) == full(given_texts, principal, resource, context)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), texts, min_size=1, max_size=6), names)
def test_a_policy_that_names_no_connector_is_in_every_slice(given_texts: dict[str, str], connector: str) -> None:
    engine = Engine(given_texts)
    unnamed = {name for name, text in given_texts.items() if "Connector::" not in text}
    assert unnamed <= {name.partition("#")[0] for name in engine.slice(connector).statements}
