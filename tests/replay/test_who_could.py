"""Who could have minted what: by links, ceilings, issuers and policies of that time."""

from datetime import timedelta
from typing import Any

from counterfoil.contracts.registry import Ceiling, Policy
from counterfoil_server.replay.history import History
from services.ops.who_could import Asked, answered
from tests.replay.logs import CONNECTOR, ISSUER, LINK, MAIN_ONLY, NOW, WORKLOADS, recorder

PREVIEW = LINK.model_copy(update={"environments": frozenset({"preview"}), "ceiling": Ceiling(scopes=frozenset({"read"}), longest=60)})
OTHER = LINK.model_copy(update={"project": "shop"})


def could(*entries: Any, scope: str = "read", later: Any = None, **fields: Any) -> dict[str, Any]:
    log, leaves = recorder(ISSUER, CONNECTOR, *entries)
    if later is not None:
        log.now += timedelta(hours=1)
        leaves.append(log.changed(later(log)))
    asked = Asked(**{"connector": "postgres/demo", "scopes": frozenset({scope}), "lifetime": 60, "at": NOW, **fields})
    return answered(History.of(leaves), asked)


def said(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(row["project"], row["environment"], row["could"]) for row in found["places"]]


def test_a_linked_place_could_within_its_ceiling_and_where_an_issuer_leads():
    assert said(could(LINK, PREVIEW, OTHER)) == [("shop", "production", "no"), ("web", "preview", "yes"), ("web", "production", "yes")]
    assert said(could(LINK, PREVIEW, scope="write")) == [("web", "preview", "no"), ("web", "production", "yes")]
    assert said(could(LINK, PREVIEW, lifetime=61)) == [("web", "preview", "no"), ("web", "production", "yes")]
    assert could(LINK, OTHER)["places"][0]["why"] == "no issuer entry leads there"
    assert could(LINK, WORKLOADS)["places"][0]["issuers"] == ["ci", "cluster"]


def test_a_rule_that_reads_claims_makes_it_depend_and_is_named():
    (row,) = could(LINK, MAIN_ONLY)["places"]

    assert row["could"] == "depends"
    assert row["why"] == "main-only forbids it to some: it reads context.claims.ref"
    assert row["rules"]["permits"] == ["web/production->postgres/demo"]


def test_a_rule_that_reads_nothing_of_the_callers_own_is_a_word_for_all():
    nobody = Policy(name="nobody", cedar='forbid (principal in Project::"web", action == Action::"mint", resource);')
    others = Policy(name="others", cedar='forbid (principal in Project::"shop", action, resource) when { context.claims.ref == "x" };')
    long = Policy(name="long", cedar="forbid (principal, action, resource) when { context.lifetime > 100 };")

    assert could(LINK, nobody)["places"][0]["why"] == "forbidden by nobody"
    assert said(could(LINK, others, long)) == [("web", "production", "yes")]
    assert said(could(LINK, long, lifetime=101)) == [("web", "production", "no")]


def test_a_rule_that_fails_denies_whatever_it_would_have_said():
    failing = Policy(name="failing", cedar="permit (principal, action, resource) when { context.scopes < 7 };")

    assert could(LINK, failing)["places"][0]["why"] == "forbidden by failing"


def test_it_is_the_registry_of_that_time():
    assert said(could(LINK, later=lambda log: log.remove(LINK))) == [("web", "production", "yes")]
    assert said(could(LINK, later=lambda log: log.remove(LINK), at=NOW + timedelta(hours=2))) == []
    assert could(LINK, connector="postgres/other")["stopped"] == ["there is no connector postgres/other"]


def test_fences_and_blocks_of_that_time_are_told():
    fenced = could(LINK, later=lambda log: log.note("fenced", "connector", "postgres/demo"), at=NOW + timedelta(hours=2))
    blocked = could(LINK, later=lambda log: log.note("blocked", "block", "b1", {"project": "web"}), at=NOW + timedelta(hours=2))
    elsewhere = could(LINK, later=lambda log: log.note("blocked", "block", "b1", {"connector": "x/y"}), at=NOW + timedelta(hours=2))

    assert fenced["stopped"] == ["postgres/demo was fenced"]
    assert blocked["stopped"] == ["the block b1 stopped project=web"]
    assert elsewhere["stopped"] == []
