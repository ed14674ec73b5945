"""What lint finds in a policy, and on which line."""

import pytest

from counterfoil.contracts.registry import Connector
from counterfoil_server.domain import cedar_schema, links, operators, vocabulary
from counterfoil_server.domain.ceiling import Wanted
from services.gateway.lint import lint, said
from tests.support import facts

MINT = 'action == Action::"mint"'


def errors(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.message) for one in lint(text, {"ref"}).errors]


def warnings(text: str) -> list[tuple[int, str]]:
    found = lint(text, {"ref"})
    assert found.errors == []
    return [(one.line, one.message) for one in found.warnings]


GOOD = (
    "permit (principal, action, resource) when { context.lifetime < 60 };",
    f'forbid (principal in Project::"web", {MINT}, resource == Connector::"postgres/demo");',
    f'permit (principal, {MINT}, resource) when {{ context.claims has ref && context.claims.ref like "refs/*" }};',
    'forbid (principal is Operator, action == Action::"lift", resource) when { principal.role == "operator" };',
    f'forbid (principal, {MINT}, resource) when {{ context.at > datetime("2026-01-01T00:00:00Z") }};',
    f'// "a comment; with a semicolon"\nforbid (principal, {MINT}, resource) when {{ principal.project == "a;b" }};',
)


@pytest.mark.parametrize("text", GOOD)
def test_a_policy_that_cannot_fail_is_good(text: str):
    assert warnings(text) == []


BAD = {
    "permit (principal, action == ,\n resource);": (1, "unexpected token `,`"),
    f"permit (principal, {MINT}, resource);\n\nforbid (principal, {MINT}, resource)\nwhen {{\n  context.lifetime ==\n}};": (
        6,
        "unexpected token `}`",
    ),
    f"permit (principal, {MINT}, resource)\nwhen {{\n  [1, 2,\n  , 3].contains(1)\n}};": (4, "unexpected token `,`"),
    f"permit (principal, {MINT},\n resource) when {{ # }};": (2, "invalid token"),
    f"permit (principal, {MINT}, resource)": (1, "unexpected end of input"),
    f"permit (principal == ?principal, {MINT}, resource);": (1, "a template permits nothing"),
    "// nothing": (1, "there is no policy in it"),
    f"permit (principal, {MINT}, resource);\nforbid (principal, action,\n resource)\nwhen {{ context.lifetim < 4 }};": (4, "`lifetim`"),
    'forbid (principal,\n action == Action::"liftt",\n resource);': (2, 'unrecognized action `Action::"liftt"`'),
    f'forbid (principal, {MINT},\n resource) when {{\n context.lifetime < "60" }};': (1, "expected Long but saw String"),
    'forbid (principal, action == Action::"revoke", resource)\nwhen { principal.environment == "x" };': (
        2,
        "`environment` on entity type `Operator`",
    ),
    f'forbid (principal, {MINT}, resource) when {{ context.claims.x == 1 && context.claims.x == "a" }};': (1, "not compatible"),
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_said_with_its_line(text: str):
    line, words = BAD[text]

    assert any(found == line and words in message for found, message in errors(text)), errors(text)


def test_what_a_question_may_lack_is_a_warning():
    found = warnings(f'permit (principal, {MINT}, resource) when {{\n context.claims.ref == "main" &&\n principal.subject like "a*" }};')

    assert [(line, "optional attribute" in message) for line, message in found] == [(2, True), (3, True)]


def test_a_claim_that_nobody_records_is_a_warning():
    text = f'permit (principal, {MINT}, resource)\nwhen {{ context.claims has team && context.claims.team == "a" }};'

    assert warnings(text) == [(2, "no issuer entry records the claim `team`: add it to `record`")]


@pytest.mark.parametrize("use", ["c == 3", 'c.contains("a")', "c", "c.contains(3)", 'c.deep.er == "a"', "c.deep == 1 && context.claims.c.other"])
def test_a_claims_type_is_found_by_how_it_is_used(use: str):
    assert errors(f"permit (principal, {MINT}, resource) when {{ context.claims.{use} }};") == []


def test_what_it_can_concern_is_told():
    found = lint(f'forbid (principal, {MINT}, resource == Connector::"a/b"); forbid (principal, {MINT}, resource == Connector::"a/c");', ()).shown()

    assert (found["valid"], found["connectors"], found["actions"]) == (True, ["a/b", "a/c"], ["mint"])
    assert lint("forbid (principal, action, resource);", ()).shown()["actions"] is None


def test_a_long_policy_is_judged_in_time_that_grows_with_it():
    """A parser's complaint about its last line: each prefix once would be thousands of parses of it all."""
    text = f"permit (principal, {MINT}, resource) when {{ " + " ||\n".join(["context.lifetime < 4"] * 2000) + " oops };"

    assert errors(text) == [(2000, "unexpected token `oops`")]


def test_the_schema_is_that_of_the_questions_that_are_asked():
    claims: cedar_schema.Claims = {"ref": "String"}
    who, connector = facts.verified(subject="sub"), Connector(name="postgres/demo")
    mint = vocabulary.mint(who, Wanted(frozenset({"read"}), (), 60, "default"), connector, facts.NOW)

    for schema in (cedar_schema.of_mint(claims, lenient=True), cedar_schema.of_all(claims, lenient=False)):
        assert set(mint.principal["attrs"]) == names(schema, "Workload")
        assert set(mint.resource["attrs"]) == names(schema, "Connector")
        assert set(mint.context) == {"scopes", "details", "lifetime", "claims", "at"}
    assert set(operators.operator("i", "s", "viewer")["attrs"]) == names(cedar_schema.of_all(claims, lenient=False), "Operator")


def names(schema: str, kind: str) -> set[str]:
    line = next(line for line in schema.splitlines() if line.startswith(f"entity {kind} "))
    return {part.split(":")[0].strip(" ?") for part in line.partition("{")[2].partition("}")[0].split(",")}


def test_what_is_built_in_and_what_links_compile_to_fits_the_schema():
    ceilings = [facts.link(), facts.link(ceiling={"scopes": []})]

    assert [said(links.compiled(link), cedar_schema.of_mint({}, lenient=False)) for link in ceilings] == [[], []]
    for text in operators.BUILT_IN.values():
        assert said(text, cedar_schema.of_all({}, lenient=False)) == []
