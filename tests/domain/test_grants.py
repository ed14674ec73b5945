"""What a proven caller may have."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from counterfoil.contracts.exchange_authorized import GrantApproved, GrantDenied
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.contracts.registry import Ceiling
from counterfoil_server.domain import grants
from counterfoil_server.domain.grants import Known
from counterfoil_server.domain.vocabulary import Question
from tests.support.facts import EVIDENCE, GROUNDS, NOW, connector, link, verified, wishing


@dataclass(frozen=True)
class Said:
    allowed: bool = True
    rule: str | None = "the-rule"
    error: bool = False
    policy_hash: str = "e" * 64


@dataclass
class Cedar:
    """Says one thing, and keeps what it was asked."""

    said: Said = field(default_factory=Said)
    asked: list[Question] = field(default_factory=list)

    def __call__(self, question: Question) -> Said:
        self.asked.append(question)
        return self.said


def known(**fields: Any) -> Known:
    return Known(**{"grounds": GROUNDS, "evidence": EVIDENCE, "connector": connector(), "link": link(), **fields})


def decide(who: IdentityVerified, what: Known | None = None, said: Said | None = None) -> GrantApproved | GrantDenied:
    return grants.decide(who, what or known(), Cedar(said or Said()), NOW)


def denied(who: IdentityVerified, what: Known | None = None, said: Said | None = None) -> GrantDenied:
    fact = decide(who, what, said)
    assert isinstance(fact, GrantDenied)
    return fact


def approved(who: IdentityVerified, what: Known | None = None, said: Said | None = None) -> GrantApproved:
    fact = decide(who, what, said)
    assert isinstance(fact, GrantApproved)
    return fact


def test_a_wish_under_the_ceiling_is_approved_as_it_was_asked() -> None:
    who = wishing(scopes=["write"], lifetime=60)
    fact = approved(who)
    assert (fact.scopes, fact.details, fact.lifetime, fact.rule, fact.installation) == (frozenset({"write"}), (), 60, "the-rule", "main")
    assert (fact.project, fact.environment, fact.issuer, fact.sub_hash) == (who.project, who.environment, who.issuer, who.sub_hash)
    assert (fact.asked, fact.caused_by, fact.at, fact.evidence) == (who.asked, who.id, NOW, EVIDENCE)
    assert (fact.grounds.registry_revision, fact.grounds.policy_hash) == (7, "e" * 64)


def test_details_are_granted_as_they_were_asked() -> None:
    ceiling = Ceiling(scopes=frozenset({"read"}), details=({"type": "postgres", "tables": ["a", "b"]},))
    fact = approved(wishing(scopes=["read"], details=[{"type": "postgres", "tables": ["a"]}]), known(link=link(ceiling=ceiling)))
    assert fact.details == ({"type": "postgres", "tables": ["a"]},)


def test_who_asks_for_nothing_gets_the_defaults_under_the_ceiling() -> None:
    fact = approved(wishing())
    assert (fact.scopes, fact.lifetime) == (frozenset({"read"}), 900)


def test_the_same_input_gives_the_same_fact() -> None:
    who = wishing(scopes=["read", "write"])
    assert decide(who).model_dump_json() == decide(who).model_dump_json()


def test_a_permit_without_a_name_is_the_links() -> None:
    assert approved(wishing(), said=Said(rule=None)).rule == link().name


def test_a_scope_beyond_the_ceiling_is_denied() -> None:
    fact = denied(wishing(scopes=["read", "admin"]))
    assert (fact.code, fact.beyond, fact.rule, fact.entitled) == ("beyond_ceiling", frozenset({"admin"}), link().name, True)
    assert fact.nearest == {"scopes": ["read"], "details": [], "lifetime": 900}
    assert "admin" in fact.message
    assert fact.beyond_lifetime is None


def test_a_lifetime_beyond_the_ceiling_is_denied() -> None:
    fact = denied(wishing(lifetime=901))
    assert (fact.code, fact.beyond_lifetime, fact.beyond) == ("beyond_ceiling", 1, frozenset())
    assert "900 s" in fact.message
    assert approved(wishing(lifetime=900)).lifetime == 900


def test_a_detail_beyond_the_ceiling_is_denied() -> None:
    fact = denied(wishing(scopes=["read"], details=[{"type": "postgres"}]))
    assert (fact.code, fact.beyond_details) == ("beyond_ceiling", ({"type": "postgres"},))
    assert "details" in fact.message


def test_what_is_beyond_the_ceiling_is_not_asked_of_cedar() -> None:
    cedar = Cedar()
    grants.decide(wishing(scopes=["admin"]), known(), cedar, NOW)
    assert not cedar.asked


def test_cedar_is_asked_for_what_would_be_granted() -> None:
    cedar = Cedar()
    grants.decide(wishing(), known(), cedar, NOW)
    assert cedar.asked[0].context["scopes"] == ["read"]
    assert cedar.asked[0].context["lifetime"] == 900
    assert cedar.asked[0].connector == "postgres/demo"


@pytest.mark.parametrize(
    ("said", "code", "rule", "words"),
    [
        (Said(allowed=False, rule="weekends"), "forbidden", "weekends", "the policy weekends forbids it"),
        (Said(allowed=False, rule=None), "forbidden", None, "no policy permits it"),
        (Said(allowed=False, rule="typo", error=True), "policy_error", "typo", "the policy typo could not be evaluated"),
        (Said(allowed=False, rule=None, error=True), "policy_error", None, "a policy could not be evaluated"),
        (Said(allowed=True, rule="typo", error=True), "policy_error", "typo", "the policy typo could not be evaluated"),
    ],
)
def test_what_cedar_does_not_permit_is_denied(said: Said, code: str, rule: str | None, words: str) -> None:
    fact = denied(wishing(), said=said)
    assert (fact.code, fact.rule, fact.entitled, fact.grounds.policy_hash) == (code, rule, True, "e" * 64)
    assert words in fact.message


def test_after_the_deadline_nothing_is_granted() -> None:
    fact = denied(verified(deadline=NOW))
    assert (fact.code, fact.entitled) == ("late", True)
    assert isinstance(decide(verified(deadline=NOW + timedelta(microseconds=1))), GrantApproved)


def test_an_unknown_connector_and_no_link_look_the_same() -> None:
    unknown, unlinked = denied(wishing(), known(connector=None, link=None)), denied(wishing(), known(link=None))
    assert unknown == unlinked
    assert (unknown.code, unknown.entitled, unknown.nearest, unknown.rule) == ("no_link", False, None, None)


def test_a_project_that_is_linked_elsewhere_learns_where() -> None:
    elsewhere = (link(environments=frozenset({"preview", "staging"})),)
    fact = denied(wishing(), known(link=None, elsewhere=elsewhere))
    assert (fact.code, fact.entitled, fact.nearest) == ("no_link", True, {"environments": ["preview", "staging"]})
    assert "preview, staging" in fact.message


def test_who_is_not_entitled_does_not_learn_where() -> None:
    elsewhere = (link(environments=frozenset({"preview"}), entitled=False),)
    fact = denied(wishing(), known(link=None, elsewhere=elsewhere))
    assert fact == denied(wishing(), known(link=None))


@pytest.mark.parametrize("entitled", [True, False])
def test_a_link_says_who_may_read_why(entitled: bool) -> None:
    known_link = link(entitled=entitled)
    assert denied(wishing(scopes=["admin"]), known(link=known_link)).entitled is entitled
    assert denied(wishing(), known(link=known_link), Said(allowed=False)).entitled is entitled
    assert denied(wishing(), known(link=known_link), Said(error=True)).entitled is entitled
    assert denied(wishing(), known(link=known_link, connector=None)).entitled is entitled


def test_a_link_without_its_connector_grants_nothing() -> None:
    fact = denied(wishing(), known(connector=None))
    assert (fact.code, fact.connector, fact.nearest) == ("no_link", "postgres/demo", None)


def test_a_stale_registry_decides_nothing() -> None:
    fact = grants.unavailable(wishing(), known(), NOW)
    assert (fact.code, fact.entitled, fact.grounds) == ("registry_unavailable", True, GROUNDS)


def test_a_long_list_of_scopes_does_not_break_the_denial() -> None:
    assert len(denied(wishing(scopes=[f"scope-{n:0>50}" for n in range(200)])).message) == 2048


def test_a_wish_that_is_none_is_no_decision() -> None:
    with pytest.raises(ValidationError):
        decide(wishing(colour="red"))


scopes = st.frozensets(st.sampled_from(["read", "write", "admin", "own"]))


@given(asked=scopes, ceiling=scopes, longest=st.integers(1, 100), lifetime=st.none() | st.integers(1, 100))
def test_nothing_is_ever_granted_beyond_the_ceiling(asked: frozenset[str], ceiling: frozenset[str], longest: int, lifetime: int | None) -> None:
    who = wishing(scopes=sorted(asked), **({"lifetime": lifetime} if lifetime else {}))
    fact = decide(who, known(link=link(ceiling=Ceiling(scopes=ceiling, longest=longest))))
    if isinstance(fact, GrantApproved):
        assert fact.scopes <= ceiling
        assert fact.scopes == asked or not asked
        assert fact.lifetime <= longest
    else:
        assert asked - ceiling or (lifetime or 0) > longest


def test_a_named_installation_is_granted_where_the_ceiling_and_the_registry_have_it() -> None:
    roomy = link(ceiling=Ceiling(scopes=frozenset({"read"}), installations=frozenset({"other"})))
    wish = wishing(installation="other")

    assert approved(wish, known(link=roomy, installations=frozenset({"other"}))).installation == "other"
    missing = denied(wish, known(link=roomy))
    assert (missing.code, missing.message) == ("no_link", "postgres/demo has no installation other")
    beyond = denied(wish, known(installations=frozenset({"other"})))
    assert beyond.code == "beyond_ceiling"
    assert "the installation other" in beyond.message


def test_cedar_is_asked_about_the_installation_that_is_wished_for() -> None:
    cedar = Cedar()
    roomy = link(ceiling=Ceiling(scopes=frozenset({"read"}), installations=frozenset({"*"})))
    grants.decide(wishing(installation="other"), known(link=roomy, installations=frozenset({"other"})), cedar, NOW)
    assert cedar.asked[0].resource["attrs"]["installation"] == "other"
