"""Who asks: the rule of an issuer entry over proven claims."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, IdentityVerified
from counterfoil.contracts.registry import Issuer, Mapped
from counterfoil_server.domain import identity
from counterfoil_server.domain.identity import Proven
from tests.support.facts import NOW, asked

BASIS = Basis(registry_revision=7)
PINS = {"owner_id": "42", "repository_id": "77", "iss_env": "ci"}
CLAIMS: dict[str, Any] = {**PINS, "project": "web", "env": "prod", "ref": "main"}
MAPPED = Mapped(claim="env", map={"prod": "production", "pre": "preview"})
ISSUER = Issuer(name="ci", issuer="https://issuer.example", pins=PINS, project=Mapped(claim="project"), environment=MAPPED, record=frozenset({"ref"}))
WISH = {"connector": "postgres/demo"}


def proven(**claims: Any) -> Proven:
    return Proven(ISSUER, {**CLAIMS, **claims}, "c" * 64, None, "", None)


def decide(who: Proven, bad_wish: str | None = None) -> IdentityVerified | IdentityRejected:
    return identity.decide(asked(), who, WISH, bad_wish, BASIS, NOW)


def unmapped(who: Proven) -> str:
    fact = decide(who)
    assert isinstance(fact, IdentityRejected)
    assert (fact.code, fact.project, fact.environment, fact.sub_hash) == ("unmapped", None, None, "c" * 64)
    assert fact.claims == who.claims
    return fact.message


def test_claims_become_project_and_environment() -> None:
    fact = decide(proven())
    assert isinstance(fact, IdentityVerified)
    assert (fact.project, fact.environment, fact.issuer, fact.sub_hash) == ("web", "production", "https://issuer.example", "c" * 64)
    assert (fact.claims, fact.wish, fact.asked, fact.at, fact.basis) == (CLAIMS, WISH, asked(), NOW, BASIS)


def test_the_claims_are_recorded_in_one_order() -> None:
    backwards = replace(proven(), claims=dict(reversed(CLAIMS.items())))
    assert decide(backwards).model_dump_json() == decide(proven()).model_dump_json()


def test_no_other_rejection_records_claims() -> None:
    fact = decide(proven(), "no wish at all")
    assert isinstance(fact, IdentityRejected)
    assert (fact.code, fact.claims) == ("malformed_wish", None)


def test_the_claims_of_a_rejection_are_in_one_order_at_every_depth() -> None:
    one, other = ({"owner_id": "1", "ref": [{"b": 1, "a": {"d": 1, "c": 2}}]}, {"ref": [{"a": {"c": 2, "d": 1}, "b": 1}], "owner_id": "1"})
    assert decide(replace(proven(), claims=one)).model_dump_json() == decide(replace(proven(), claims=other)).model_dump_json()


@given(st.sampled_from(sorted(PINS)), st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.just("42"), max_size=2))
def test_any_other_value_of_any_pin_is_rejected(name: str, value: Any) -> None:
    if value == PINS[name]:
        assert isinstance(decide(proven(**{name: value})), IdentityVerified)
    else:
        assert name in unmapped(proven(**{name: value}))


@pytest.mark.parametrize("name", [*sorted(PINS), "project", "env"])
def test_a_claim_that_is_not_there_is_rejected(name: str) -> None:
    who = replace(proven(), claims={key: value for key, value in CLAIMS.items() if key != name})
    unmapped(who)


@pytest.mark.parametrize("value", ["staging", "production", "", "Prod", 1, True, None, ["prod"], {"prod": 1}])
def test_an_environment_that_is_not_in_the_map_is_never_production(value: Any) -> None:
    unmapped(proven(env=value))


@pytest.mark.parametrize("value", ["", "x" * 129, "a\nb", "a\x00", True, 1.5, None, [], {}])
def test_what_is_no_name_is_no_project(value: Any) -> None:
    assert "project" in unmapped(proven(project=value))


def test_a_number_is_its_digits() -> None:
    fact = decide(proven(project=42))
    assert isinstance(fact, IdentityVerified)
    assert fact.project == "42"


def test_a_rejection_quotes_no_claim() -> None:
    assert "hunter2" not in unmapped(proven(owner_id="hunter2"))
    assert "hunter2" not in unmapped(proven(env="hunter2"))


def test_a_fixed_value_needs_no_claim() -> None:
    fixed = ISSUER.model_copy(update={"project": Mapped(value="-"), "environment": Mapped(value="-"), "pins": {}})
    fact = decide(replace(proven(), issuer=fixed, claims={}))
    assert isinstance(fact, IdentityVerified)
    assert (fact.project, fact.environment) == ("-", "-")


def test_a_bad_wish_of_a_good_caller_says_whose_it_was() -> None:
    fact = decide(proven(), "connector: missing")
    assert isinstance(fact, IdentityRejected)
    assert (fact.code, fact.message, fact.project, fact.environment) == ("malformed_wish", "connector: missing", "web", "production")


def test_what_the_rule_reads_is_what_is_recorded() -> None:
    assert identity.reads(ISSUER) == {*PINS, "project", "env", "ref"}
    assert identity.reads(ISSUER.model_copy(update={"project": Mapped(value="x"), "record": frozenset()})) == {*PINS, "env"}


@pytest.mark.parametrize(
    ("ahead", "code"), [(0, "late"), (-1, "late"), (0.001, None), (60, None), (65, None), (65.001, "bad_deadline"), (3600, "bad_deadline")]
)
def test_a_deadline_lies_ahead_and_at_most_a_minute(ahead: float, code: str | None) -> None:
    assert identity.punctual(asked(deadline=NOW + timedelta(seconds=ahead)), NOW) == code


def test_a_long_message_and_issuer_are_cut() -> None:
    fact = identity.rejected(asked(), "unknown_issuer", "m" * 5000, BASIS, NOW, issuer="i" * 5000)
    assert (len(fact.message), len(fact.unverified_issuer or "")) == (1024, 512)
    assert identity.rejected(asked(), "unknown_issuer", "", BASIS, NOW).unverified_issuer is None
