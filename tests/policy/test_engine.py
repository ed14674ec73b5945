"""Cedar as the services ask it."""

from typing import Any

from counterfoil_server.runtime.cedar import Engine
from counterfoil_server.runtime.slices import Verdict

WHO = {"uid": {"type": "Workload", "id": "s"}, "attrs": {}, "parents": []}
PERMIT = "permit (principal, action, resource);"


def resource(name: str) -> dict[str, Any]:
    return {"uid": {"type": "Connector", "id": name}, "attrs": {}, "parents": []}


def ask(engine: Engine, name: str = "pg/a", **context: Any) -> Verdict:
    return engine.ask(WHO, "mint", resource(name), context, name)


def test_nothing_is_permitted_by_default() -> None:
    verdict = ask(Engine({}))
    assert (verdict.allowed, verdict.rule, verdict.error) == (False, None, False)


def test_a_forbid_wins_and_is_named() -> None:
    engine = Engine({"open": PERMIT, "closed": "forbid (principal, action, resource) when { context.lifetime > 10 };"})
    assert (ask(engine, lifetime=10).allowed, ask(engine, lifetime=10).rule) == (True, "open")
    assert (ask(engine, lifetime=11).allowed, ask(engine, lifetime=11).rule) == (False, "closed")


def test_an_error_in_any_policy_is_a_no_that_names_it() -> None:
    engine = Engine({"open": PERMIT, "typo": "forbid (principal, action, resource) when { context.tll > 10 };"})
    verdict = ask(engine, lifetime=1)
    assert (verdict.allowed, verdict.rule, verdict.error) == (False, "typo", True)


def test_an_error_in_a_policy_of_another_connector_disturbs_nobody() -> None:
    engine = Engine({"open": PERMIT, "typo": 'forbid (principal, action, resource == Connector::"pg/b") when { context.tll > 10 };'})
    assert ask(engine).allowed
    assert ask(engine, "pg/b").error


def test_a_text_that_is_no_policy_makes_every_answer_a_no() -> None:
    verdict = ask(Engine({"open": PERMIT, "broken": "forbid (principal"}))
    assert (verdict.allowed, verdict.rule, verdict.error) == (False, "broken", True)


def test_a_request_that_cedar_cannot_read_is_a_no() -> None:
    verdict = ask(Engine({"open": PERMIT}), claims={"a": None})
    assert (verdict.allowed, verdict.rule, verdict.error) == (False, None, True)


def test_the_second_statement_of_a_text_has_a_name_of_its_own() -> None:
    engine = Engine({"two": "permit (principal, action, resource);\nforbid (principal, action, resource) when { context.x == 1 };"})
    assert ask(engine, x=1).rule == "two#2"
    assert ask(engine, x=2).rule == "two"


def test_the_hash_is_of_the_slice_alone() -> None:
    own = {"a": 'permit (principal, action, resource == Connector::"pg/a");'}
    other = {"b": 'permit (principal, action, resource == Connector::"pg/b");'}
    assert ask(Engine(own)).policy_hash == ask(Engine(own | other)).policy_hash
    assert ask(Engine(own)).policy_hash != ask(Engine(own | {"c": PERMIT})).policy_hash
    assert ask(Engine({"x": own["a"]})).policy_hash != ask(Engine(own)).policy_hash
    assert ask(Engine(other | own)).policy_hash == ask(Engine(own | other)).policy_hash


def test_an_answer_is_kept_and_never_given_to_another_question() -> None:
    engine = Engine({"small": "permit (principal, action, resource) when { context.lifetime < 10 };"})
    assert ask(engine, lifetime=1) is ask(engine, lifetime=1)
    assert not ask(engine, lifetime=10).allowed
    assert not engine.ask(WHO, "mint", resource("pg/a"), {}, "pg/a").allowed
    assert ask(engine, lifetime=1).allowed


def test_the_clock_is_part_of_the_question_only_where_a_policy_reads_it() -> None:
    def at(hour: int) -> dict[str, Any]:
        return {"__extn": {"fn": "datetime", "arg": f"2026-11-24T{hour:02}:00:00Z"}}

    blind = Engine({"open": PERMIT})
    assert ask(blind, at=at(1)) is ask(blind, at=at(2))
    timed = Engine({"day": 'permit (principal, action, resource) when { context.at.toTime() < duration("18h") };'})
    assert ask(timed, at=at(17)).allowed
    assert not ask(timed, at=at(18)).allowed


def test_what_did_not_change_is_not_parsed_again() -> None:
    before = Engine({"a": PERMIT, "broken": "x"})
    after = Engine({"b": PERMIT, "broken": "x"}, before)
    assert after.parsed[PERMIT] is before.parsed[PERMIT]
    assert ask(after).rule == "broken"
