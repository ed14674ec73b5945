"""A grant rests on its evidence: whoever holds policy's key alone can widen nothing."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_requested import Wish
from counterfoil.contracts.registry import Ceiling
from counterfoil_server.domain import grants
from counterfoil_server.domain.evidence import fault
from counterfoil_server.domain.grants import Known
from tests.domain.test_grants import Cedar
from tests.support.facts import EVIDENCE, GROUNDS, NOW, asked, connector, link, wishing

DETAIL = {"type": "postgres", "tables": ["a", "b"]}
CEILING = Ceiling(scopes=frozenset({"read", "write"}), details=({"type": "postgres", "tables": "*"},), longest=7200)


def granted(**wish: Any) -> tuple[GrantApproved, Any]:
    who = wishing(**wish)
    fact = grants.decide(who, Known(GROUNDS, EVIDENCE, connector(), link(ceiling=CEILING)), Cedar(), NOW)
    assert isinstance(fact, GrantApproved)
    return fact, who


def found(fact: GrantApproved, who: Any, wish_hash: str = "b" * 64) -> str | None:
    return fault(fact, who, wish_hash, Wish.model_validate(who.wish), connector())


@pytest.mark.parametrize(
    "wish", [{}, {"scopes": ["read"]}, {"scopes": ["read"], "lifetime": 7200}, {"scopes": ["read"], "details": [DETAIL]}, {"details": [DETAIL]}]
)
def test_what_policy_approves_rests_on_its_evidence(wish: dict[str, Any]) -> None:
    assert found(*granted(**wish)) is None


@pytest.mark.parametrize(
    "widened",
    [
        {"scopes": frozenset({"read", "write"})},
        {"scopes": frozenset({"admin"})},
        {"lifetime": 61},
        {"details": ({"type": "postgres", "tables": ["a", "b", "c"]},)},
        {"details": ({"type": "postgres"},)},
        {"details": ({"type": "mysql", "tables": ["a"]},)},
    ],
)
def test_a_grant_beyond_the_wish_is_found(widened: dict[str, Any]) -> None:
    fact, who = granted(scopes=["read"], lifetime=60, details=[DETAIL])
    assert found(fact.model_copy(update=widened), who) == "beyond_evidence"


def test_a_grant_within_the_wish_is_none_of_its_business() -> None:
    fact, who = granted(scopes=["read"], lifetime=60, details=[DETAIL])
    narrower = {"scopes": frozenset(), "lifetime": 1, "details": ({"type": "postgres", "tables": ["a"]},)}
    assert found(fact.model_copy(update=narrower), who) is None


def test_to_leave_out_the_details_of_a_wish_is_to_widen_it() -> None:
    fact, who = granted(scopes=["read"], details=[DETAIL])
    assert found(fact.model_copy(update={"details": ()}), who) == "beyond_evidence"


def test_no_details_are_added_to_a_wish_that_names_none() -> None:
    fact, who = granted(scopes=["read"])
    assert found(fact.model_copy(update={"details": (DETAIL,)}), who) == "beyond_evidence"


def test_a_wish_without_scopes_gets_no_more_than_the_defaults_and_an_hour() -> None:
    fact, who = granted()
    assert found(fact.model_copy(update={"scopes": frozenset({"write"})}), who) == "beyond_evidence"
    assert found(fact.model_copy(update={"lifetime": 3601}), who) == "beyond_evidence"


@pytest.mark.parametrize(
    "foreign",
    [
        {"issuer": "https://other.example"},
        {"sub_hash": "e" * 64},
        {"project": "other"},
        {"environment": "preview"},
        {"connector": "postgres/other"},
        {"installation": "other"},
        {"caused_by": None},
        {"asked": asked(deadline=NOW + timedelta(seconds=50))},
        {"asked": asked(requester_key="B" * 43)},
    ],
)
def test_foreign_evidence_is_found(foreign: dict[str, Any]) -> None:
    fact, who = granted(scopes=["read"])
    assert found(fact.model_copy(update=foreign), who) == "evidence_mismatch"


def test_a_changed_wish_is_found() -> None:
    fact, who = granted(scopes=["read"])
    assert found(fact, who, "f" * 64) == "evidence_mismatch"


scopes = st.frozensets(st.sampled_from(["read", "write"]), min_size=1)


@given(scopes, scopes, st.integers(1, 100), st.integers(1, 100))
def test_any_scope_or_second_more_is_found(wished: frozenset[str], given_scopes: frozenset[str], lifetime: int, given_lifetime: int) -> None:
    fact, who = granted(scopes=sorted(wished), lifetime=lifetime)
    forged = fact.model_copy(update={"scopes": given_scopes, "lifetime": given_lifetime})
    assert (found(forged, who) is None) == (given_scopes <= wished and given_lifetime <= lifetime)
