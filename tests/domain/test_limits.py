"""Whom a limit counts, and how long to wait."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.contracts.registry import Ceiling, Connector, Limits, Link
from counterfoil_server.domain.limits import Cap, Use, caps, reached, wait
from tests.support import facts

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_without_limits_nothing_is_counted():
    link = Link(connector="postgres/demo", project="web", environments=frozenset({"production"}), ceiling=Ceiling(scopes=frozenset()))
    assert caps(facts.granted(facts.verified()), Connector(name="postgres/demo"), link) == ()


def test_a_link_counts_its_project_in_its_environments_and_a_subject_is_counted_with_its_issuer():
    grant = facts.granted(facts.verified())
    connector = Connector(name="postgres/demo", each_subject=Limits(live=1))
    link = Link(
        connector="postgres/demo",
        project="web",
        environments=frozenset({"production", "staging"}),
        ceiling=Ceiling(scopes=frozenset()),
        limits=Limits(per_minute=5),
    )
    subject, project = caps(grant, connector, link)
    assert (subject.issuer, subject.sub_hash, subject.project) == (grant.issuer, grant.sub_hash, None)
    assert (project.project, project.environments, project.sub_hash) == ("web", frozenset({"production", "staging"}), None)


@pytest.mark.parametrize(("live", "minute", "said"), [(2, 0, "alive at once"), (0, 3, "a minute"), (1, 2, None)])
def test_a_limit_is_reached_where_one_more_would_be_too_many(live: int, minute: int, said: str | None):
    cap = Cap("the connector", Limits(live=2, per_minute=3), "postgres/demo")
    found = reached(cap, Use(live, minute, NOW, NOW), NOW)
    assert (said is None) == (found is None)
    assert said is None or said in found.message  # type: ignore[union-attr] # found, as the line above says


@pytest.mark.parametrize(("ahead", "seconds"), [(-5, 1), (0.2, 1), (12.1, 13), (3600, 60)])
def test_the_wait_is_in_whole_seconds_and_never_longer_than_a_minute(ahead: float, seconds: int):
    assert wait(NOW + timedelta(seconds=ahead), NOW) == seconds


def test_where_nothing_says_how_long_it_is_a_second():
    assert wait(None, NOW) == 1
