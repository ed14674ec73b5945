"""Recorded traffic through a candidate: what would newly be denied, allowed, narrowed."""

import json
from pathlib import Path
from typing import Any

import pytest

from counterfoil.contracts.registry import Ceiling, Link, Policy
from counterfoil_server.replay.backtest_kept import Decider
from counterfoil_server.replay.backtest_outcome import Outcome, change
from counterfoil_server.replay.backtest_report import Report
from counterfoil_server.replay.backtest_run import backtested
from counterfoil_server.replay.source import leaves
from counterfoil_server.runtime.snapshot import Snapshot
from services.ops.replay.backtest_candidate import BadCandidate, Candidate, read
from tests.replay.traffic import Traffic
from tests.support.facts import connector, link

NO_WEB = Policy(name="no-web", cedar='forbid (principal in Project::"web", action == Action::"mint", resource);')
OTHER = Link(connector="postgres/other", project="web", environments=frozenset({"production"}), ceiling=Ceiling(scopes=frozenset({"read"})))
ELSEWHERE = link(project="shop")


async def tried(traffic: Traffic, *puts: Any, removed: tuple[str, ...] = (), most: int = 3, kept: int = 1024) -> tuple[Report, Decider]:
    decider = Decider(traffic.history(), Candidate(puts, frozenset(removed)), kept)
    return await backtested(leaves(traffic), decider, most), decider


def groups(report: Report, which: str) -> list[tuple[str, str, str, int]]:
    return [(one["project"], one["connector"], one["rule"], one["count"]) for one in report.document()[which]]


async def test_what_is_forbidden_anew_is_listed_by_project_connector_and_rule():
    traffic = Traffic(connector(), link(), ELSEWHERE)
    for _ in range(3):
        traffic.ask()
    traffic.ask(project="shop")

    report, _ = await tried(traffic, NO_WEB)

    assert groups(report, "newly_denied") == [("web", "postgres/demo", "no-web", 3)]
    assert report.document()["summary"] == {"decisions": 4, "denied": 3, "allowed": 0, "narrowed": 0, "widened": 0, "unchanged": 1}
    assert groups(report, "newly_allowed") == groups(report, "narrowed") == groups(report, "widened") == []


async def test_an_example_says_where_it_stands_what_was_asked_and_both_answers():
    traffic = Traffic(connector(), link())
    traffic.ask()
    traffic.ask()

    (group,) = (await tried(traffic, NO_WEB, most=1))[0].document()["newly_denied"]
    (example,) = group["examples"]

    assert (example["index"], example["request_id"]) == (3, "00000000-0000-0000-0000-000000000001")
    assert example["asked"] == {"connector": "postgres/demo", "scopes": ["read"]}
    assert (example["before"]["granted"], example["before"]["scopes"]) == (True, ["read"])
    assert example["after"] == {"granted": False, "code": "forbidden", "rule": "no-web"}


async def test_a_policy_is_replaced_by_its_name_and_left_out_by_it():
    traffic = Traffic(connector(), link(), NO_WEB)
    traffic.ask()
    softer = NO_WEB.model_copy(update={"cedar": NO_WEB.cedar.replace('"web"', '"shop"')})

    replaced, removed = (await tried(traffic, softer))[0], (await tried(traffic, removed=("no-web",)))[0]

    assert groups(replaced, "newly_allowed") == groups(removed, "newly_allowed") == [("web", "postgres/demo", "web/production->postgres/demo", 1)]


async def test_a_lower_ceiling_narrows_what_named_no_lifetime_and_denies_what_named_more():
    traffic = Traffic(connector(), link())
    traffic.ask(wish={"connector": "postgres/demo", "scopes": ["read"]})
    traffic.ask(wish={"connector": "postgres/demo", "scopes": ["read"], "lifetime": 600})
    traffic.ask(wish={"connector": "postgres/demo", "scopes": ["read"], "lifetime": 60})

    report, _ = await tried(traffic, link(ceiling=Ceiling(scopes=frozenset({"read", "write"}), longest=300)))

    rule = "web/production->postgres/demo"
    assert groups(report, "narrowed") == groups(report, "newly_denied") == [("web", "postgres/demo", rule, 1)]
    assert report.document()["summary"]["unchanged"] == 1


async def test_each_decision_is_tried_by_the_registry_that_held_then():
    traffic = Traffic(connector(), link())
    traffic.ask()
    traffic.remove("link", link().name)
    traffic.ask()

    report, _ = await tried(traffic, NO_WEB)

    assert groups(report, "newly_denied") == [("web", "postgres/demo", "no-web", 1)]
    assert report.document()["summary"]["decisions"] == 2


async def test_a_decision_whose_leaf_came_before_its_identitys_is_weighed_too():
    traffic = Traffic(connector(), link())
    traffic.ask(decision_first=True)

    assert groups((await tried(traffic, NO_WEB))[0], "newly_denied") == [("web", "postgres/demo", "no-web", 1)]


async def test_what_neither_registry_nor_policy_decided_is_set_aside():
    traffic = Traffic(connector(), link())
    who = traffic.identity()
    traffic.record(who)
    traffic.record(traffic.decide(who, who.asked.deadline))
    traffic.record(traffic.identity())

    report, _ = await tried(traffic, NO_WEB)

    assert report.document()["set_aside"] == {"late": 1, "unpaired": 1}
    assert report.decisions == 0


@pytest.mark.parametrize("kept", [1, 1024])
async def test_answers_that_were_kept_are_those_that_would_have_been_made(kept: int):
    refs = Policy(name="main-only", cedar='forbid (principal, action, resource) unless { context.claims.ref == "refs/heads/main" };')
    traffic = Traffic(connector(), link(), ELSEWHERE)
    for place in range(40):
        traffic.ask(project="web" if place % 2 else "shop", claims={"ref": "refs/heads/main" if place % 3 else "x"}, sub_hash=f"{place % 4:064d}")

    report, decider = await tried(traffic, refs, kept=kept)

    assert groups(report, "newly_denied") == [("shop", "postgres/demo", "main-only", 7), ("web", "postgres/demo", "main-only", 7)]
    assert (decider.asked, decider.hits > 0) == (40, kept > 1)


async def test_a_policy_that_reads_the_clock_is_asked_at_each_time():
    after = Policy(name="till-noon", cedar='forbid (principal, action, resource) when { context.at > datetime("2026-11-24T12:00:02Z") };')
    traffic = Traffic(connector(), link())
    for _ in range(4):
        traffic.ask()

    assert groups((await tried(traffic, after))[0], "newly_denied") == [("web", "postgres/demo", "till-noon", 2)]


async def test_a_kept_answer_holds_for_its_own_connector_link_and_policies_only():
    traffic = Traffic(connector(), link())
    traffic.ask()
    traffic.put(link(ceiling=Ceiling(scopes=frozenset({"write"}))))
    traffic.ask()
    traffic.put(connector(name="postgres/other"))
    traffic.ask()

    _, decider = await tried(traffic, OTHER)

    assert (decider.asked, decider.hits) == (3, 1)


async def test_the_same_log_gives_the_same_report():
    traffic = Traffic(connector(), link(), ELSEWHERE)
    for place in range(10):
        traffic.ask(project="web" if place % 2 else "shop")
    everybody = Policy(name="no-one", cedar="forbid (principal, action, resource);")

    first, second = (await tried(traffic, everybody))[0], (await tried(traffic, everybody))[0]

    assert json.dumps(first.document()) == json.dumps(second.document())
    assert [one["project"] for one in first.document()["newly_denied"]] == ["shop", "web"]


GRANT = Outcome(True, "a", None, frozenset({"read", "write"}), frozenset(), 600, "main")


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (GRANT, None),
        (Outcome(True, "b", None, GRANT.scopes, frozenset(), 600, "main"), None),
        (Outcome(False, "a", "forbidden"), "denied"),
        (Outcome(True, "a", None, frozenset({"read"}), frozenset(), 600, "main"), "narrowed"),
        (Outcome(True, "a", None, GRANT.scopes, frozenset(), 60, "main"), "narrowed"),
        (Outcome(True, "a", None, GRANT.scopes, frozenset({"{}"}), 600, "main"), "narrowed"),
        (Outcome(True, "a", None, GRANT.scopes, frozenset(), 900, "main"), "widened"),
        (Outcome(True, "a", None, frozenset({"read"}), frozenset(), 900, "main"), "widened"),
        (Outcome(True, "a", None, GRANT.scopes, frozenset(), 600, "other"), "widened"),
    ],
)
def test_a_change_has_one_word(after: Outcome, word: str | None):
    assert change(GRANT, after) == word


def test_another_reason_for_the_same_no_is_no_change():
    assert change(Outcome(False, "a", "forbidden"), Outcome(False, None, "no_link")) is None
    assert change(Outcome(False, "a", "forbidden"), GRANT) == "allowed"


def test_a_cedar_file_is_a_policy_by_its_own_name_or_another(tmp_path: Path):
    file = tmp_path / "No Long.cedar"
    file.write_text(NO_WEB.cedar)

    assert [one.name for one in read([file], None, [])[0].puts] == ["no-long"]
    assert [one.name for one in read([file], "other", [])[0].puts] == ["other"]


def test_a_registry_file_is_tried_as_apply_reads_it_and_no_secret_of_it_is_read(tmp_path: Path):
    file = tmp_path / "registry.yaml"
    file.write_text(
        "- {kind: policy, name: a, cedar: 'permit (principal, action, resource);'}\n"
        "- {kind: connector, name: postgres/demo, secrets: {password: {env: NOT_SET}}}\n"
        "- {kind: operator, issuer: 'https://i', subject: s, role: admin}\n"
    )
    candidate, left = read([file], None, [])

    assert [(one.kind, one.name) for one in candidate.puts] == [("connector", "postgres/demo"), ("policy", "a")]
    assert len(left) == 1
    assert "operator https://i|s is not tried" in left[0]


@pytest.mark.parametrize(
    ("cedar", "said"),
    [
        ("forbid (principal, action, resource) when { context.lifetim > 1 };", "line 1"),
        ("forbid (principal, action", "policy bad, line 1"),
        ("", "there is no policy in it"),
    ],
)
def test_a_policy_that_lint_refuses_is_not_tried(cedar: str, said: str):
    with pytest.raises(BadCandidate, match=said):
        Candidate((Policy(name="bad", cedar=cedar),)).check(Snapshot.of(1, [connector(), link()]))


def test_what_lint_warns_of_is_told():
    (warning,) = Candidate((Policy(name="odd", cedar='forbid (principal, action, resource) when { context.claims.ref == "x" };'),)).check(
        Snapshot.of(1, ())
    )[:1]
    assert warning.startswith("policy odd, line 1: ")


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        (Candidate((), frozenset({"gone"})), "the registry has no such policy"),
        (Candidate((link(environments=frozenset({"production", "preview"})),)), "has the environment production already"),
    ],
)
def test_what_the_registry_would_refuse_is_not_tried(candidate: Candidate, said: str):
    with pytest.raises(BadCandidate, match=said):
        candidate.check(Snapshot.of(1, [connector(), link()]))


def test_nothing_to_try_is_said(tmp_path: Path):
    (tmp_path / "empty.yaml").write_text("")
    for paths in ([], [tmp_path / "empty.yaml"]):
        with pytest.raises(BadCandidate, match="nothing to try"):
            read(paths, None, [])
