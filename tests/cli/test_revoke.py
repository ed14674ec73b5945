"""counterfoil revoke by predicate: what is shown and asked before, what is told meanwhile, what is said at the end, and how it is taken up again."""

import json
import signal
from typing import Any
from unittest.mock import patch

import pytest

from tests.cli.shell import Shell, ended
from tests.cli.stand_in import CREDENTIAL_ID, Asked, no
from tests.support.waiting import until

ORDER = "11111111-2222-5333-8444-555555555555"
BLOCK = {"at": "2026-11-24T12:00:00Z", "blocked": ORDER, "live": 2}
ALIVE = {"connector": "postgres/demo", "project": "web", "environment": "preview", "class": "by_name", "live": 2, "latest": "2026-11-24T12:05:00Z"}
WOULD = {"dry_run": True, "matched": 2, "would": {"block": {"project": "web"}}, "alive": [ALIVE]}
GIVEN = ("revoke", "--project", "web")


def each(outcome: str, **more: Any) -> dict[str, Any]:
    place = {"connector": "postgres/demo", "project": "web", "environment": "preview"}
    return {"credential_id": CREDENTIAL_ID, "outcome": outcome, "state": outcome, "expires_at": "2026-11-24T12:05:00Z"} | place | more


def progress(state: str = "revoked", **counts: int) -> dict[str, Any]:
    return {"id": ORDER, "state": state, "accepted": BLOCK, "counts": {"live": 0, "revoked": 0, "stuck": 0, "uncertain": 0} | counts}


def orders(sh: Shell, *coming: Any, credentials: tuple[dict[str, Any], ...] = ()) -> None:
    """`coming`: what is said of the order, one after the other; the last again and again."""
    left = list(coming)

    def next_one(asked: Asked) -> tuple[int, Any]:
        status, document = (left.pop(0) if len(left) > 1 else left[0])(asked)
        return status, document

    def given(asked: Asked) -> tuple[int, Any]:
        if asked.body["dry_run"]:
            return 200, WOULD
        for path in (f"/v1/revocations/{asked.body['id']}", f"/v1/revocations/{ORDER}"):
            sh.gateway.says[path] = next_one
            sh.gateway.says[f"{path}/credentials"] = lambda _: (200, {"credentials": list(credentials), "next": None})
        return 202, {"id": asked.body["id"], "state": "accepted", "accepted": BLOCK, "matched": 2}

    sh.gateway.says["/v1/revocations"] = given
    given(Asked("", {}, "", {"dry_run": False, "id": ORDER}))


def says(document: dict[str, Any]) -> Any:
    return lambda _: (200, document)


def bodies(sh: Shell) -> list[dict[str, Any]]:
    return [asked.body for asked in sh.gateway.at("/v1/revocations")]


async def test_it_is_tried_shown_given_and_followed_until_every_one_is_settled(sh: Shell):
    orders(sh, says(progress("accepted", live=2)), says(progress(revoked=2)), credentials=(each("revoked"),))
    said = await sh("revoke", "--connector", "postgres/demo", "--environment", "preview", "--cause", "leak", "-o", "json")

    assert said.code == 0
    found = json.loads(said.out)
    assert (found["counts"]["revoked"], found["credentials"]) == (2, [each("revoked")])
    tried, given = bodies(sh)
    about = {"id": given["id"], "predicate": {"connector": "postgres/demo", "environment": "preview"}, "cause": "leak"}
    assert (tried, given) == (about | {"dry_run": True}, about | {"dry_run": False})


async def test_the_blast_radius_stands_on_stderr_before_anything_is_done(sh: Shell):
    orders(sh, says(progress(revoked=2)))
    said = await sh(*GIVEN)

    shown, accepted = said.err.index("2 alive would be ended; project=web is blocked"), said.err.index("accepted at")
    assert shown < said.err.index("postgres/demo  web/preview  by_name") < accepted
    assert f"counterfoil lift {ORDER}" in said.err


@pytest.mark.parametrize(("answer", "more", "code", "orders_given"), [("n\n", (), 3, 0), ("y\n", (), 0, 1), ("n\n", ("--yes",), 0, 1)])
async def test_on_a_terminal_it_is_asked_about_first(sh: Shell, answer: str, more: tuple[str, ...], code: int, orders_given: int):
    orders(sh, says(progress(revoked=2)))
    with patch("counterfoil.cli.asking.interactive", lambda: True), patch("sys.stdin.readline", lambda: answer):
        said = await sh(*GIVEN, *more)

    assert said.code == code
    assert [body["dry_run"] for body in bodies(sh)].count(False) == orders_given


async def test_how_far_it_has_come_is_told_by_outcome(sh: Shell):
    orders(sh, says(progress("accepted", live=3)), says(progress("accepted", live=1, revoked=2)), says(progress(revoked=2, uncertain=1)))
    with patch("counterfoil.cli.following.PATIENT_EVERY", 0.0):
        said = await sh(*GIVEN)

    told = [line for line in said.err.splitlines() if "settled" in line]
    assert told == ["0/3 settled", "2/3 settled: 2 revoked", "3/3 settled: 2 revoked, 1 uncertain"]


async def test_each_has_its_outcome_and_what_is_not_dead_its_why_and_its_next_try(sh: Shell):
    found = (
        each("revoked"), each("already_gone"), each("expired"), each("uncertain", tries=1, why=None, next_at="2026-11-24T12:05:01Z"),
        each("stuck", tries=11, why="timeout", next_at="2026-11-24T12:01:00Z"),
    )  # fmt: skip
    orders(sh, says(progress(revoked=3, stuck=1, uncertain=1)), credentials=found)
    said = await sh(*GIVEN)

    assert said.code == 5
    rows = [line.split()[4:] for line in said.out.splitlines() if line.startswith(CREDENTIAL_ID)]
    assert rows == [
        ["revoked"], ["already_gone"], ["expired"], ["uncertain", "until", "2026-11-24T12:05:00Z"],
        ["stuck", "timeout,", "11", "tries,", "next", "2026-11-24T12:01:00Z"],
    ]  # fmt: skip
    assert "stuck" in said.err


async def test_what_is_not_settled_in_time_is_six_and_says_how_it_goes_on(sh: Shell):
    orders(sh, says(progress("accepted", live=1)))
    said = await sh(*GIVEN, "--patience", "0s", "--wait")

    assert said.code == 0  # no patience at all is as --no-wait
    orders(sh, says(progress("accepted", live=1)))
    said = await sh(*GIVEN, "--patience", "1s")
    assert said.code == 6
    assert f"counterfoil revoke --order {ORDER}" in said.err


async def test_an_order_is_followed_by_its_id_and_nothing_is_given_again(sh: Shell):
    orders(sh, says(progress(revoked=2)), credentials=(each("revoked"),))
    said = await sh("revoke", "--order", ORDER)

    assert said.code == 0
    assert CREDENTIAL_ID in said.out
    assert bodies(sh) == []


async def test_an_order_that_was_never_given_is_not_found(sh: Shell):
    sh.gateway.says[f"/v1/revocations/{ORDER}"] = no("not_found", 404)

    assert (await sh("revoke", "--order", ORDER)).code == 3


async def test_a_gateway_that_is_away_for_a_moment_is_asked_again(sh: Shell):
    orders(sh, no("unavailable", 503), says(progress(revoked=2)))
    said = await sh(*GIVEN)

    assert said.code == 0
    assert len(bodies(sh)) == 2


async def test_a_token_that_has_become_too_old_is_got_anew(sh: Shell):
    orders(sh, no("expired", 401), says(progress(revoked=2)))
    with patch("counterfoil.cli.following.RENEWED", 0.0):
        assert (await sh(*GIVEN)).code == 0
    orders(sh, no("expired", 401))
    assert (await sh(*GIVEN)).code == 4


async def following(sh: Shell) -> bool:
    return any(asked.query.get("wait") for asked in sh.gateway.asked)


async def test_ctrl_c_ends_the_following_and_says_how_to_take_it_up(sh: Shell):
    orders(sh, says(progress("accepted", live=2)))
    process = await sh.start(*GIVEN)
    await until(lambda: following(sh))
    said = await ended(process, signal.SIGINT)

    (order,) = {body["id"] for body in bodies(sh)}
    assert said.code != 0
    assert f"not followed any more: counterfoil revoke --order {order}" in said.err
    assert "Traceback" not in said.err


async def test_a_dry_run_does_nothing_and_lists_what_it_would_end(sh: Shell):
    orders(sh, says(progress()))
    said = await sh("revoke", "--subject-hash", "c" * 64, "--since", "1h", "--until", "5m", "--dry-run", "-o", "json")

    assert json.loads(said.out) == WOULD
    (body,) = bodies(sh)
    assert body["dry_run"] is True
    assert body["predicate"].keys() == {"sub_hash", "since", "until"}
    assert "by_name" in (await sh(*GIVEN, "--dry-run")).out


async def test_a_subject_goes_by_its_name_with_its_issuer(sh: Shell):
    orders(sh, says(progress()))
    assert (await sh("revoke", "--issuer", "https://issuer.example", "--subject", "build-7")).code == 0

    assert bodies(sh)[1]["predicate"] == {"issuer": "https://issuer.example", "subject": "build-7"}


async def test_who_does_not_wait_has_the_order_and_no_more(sh: Shell):
    orders(sh, says(progress("accepted", live=2)))
    said = await sh(*GIVEN, "--no-wait", "-o", "token")

    assert (said.code, said.out.strip()) == (0, bodies(sh)[1]["id"])
    assert not any(asked.path.endswith("credentials") for asked in sh.gateway.asked)


async def test_an_operator_revokes_what_is_not_their_own_by_predicate(sh: Shell):
    orders(sh, says(progress(revoked=1)))

    assert (await sh("revoke", CREDENTIAL_ID, "--operator")).code == 0
    assert bodies(sh)[0]["predicate"] == {"credential_id": CREDENTIAL_ID}


@pytest.mark.parametrize(
    "argv",
    [
        (), (CREDENTIAL_ID, "--connector", "a/b"), ("--since", "soon"), ("no-uuid",), ("--order", ORDER, "--project", "web"), ("--order", "no-uuid"),
        ("--subject", "me"), ("--subject", "me", "--issuer", "https://a.example", "--subject-hash", "c" * 64),
        ("--project", "web", "--patience", "long"),
    ],
)  # fmt: skip
async def test_a_revocation_names_one_thing_or_the_other(sh: Shell, argv: tuple[str, ...]):
    assert (await sh("revoke", *argv)).code == 2
    assert sh.gateway.asked == []
