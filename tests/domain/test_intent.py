"""Whether a grant may be minted now, given what the ledger knows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from counterfoil.contracts.exchange_minted import RETRYABLE
from counterfoil_server.domain import intent
from counterfoil_server.domain.intent import Earlier, Mint, Refuse, Repeat, Standing
from tests.support.facts import NOW, granted

GRANT = granted()
GOOD = Standing("active", 1, 5, False, NOW, NOW, NOW, None)
OTHER = "d" * 64


def decide(standing: Standing = GOOD, *, revision: int = 5, by_name: bool = True, now: Any = NOW) -> Mint | Repeat | Refuse:
    return intent.decide(GRANT, revision, standing, now, by_name=by_name)


def code(verdict: Mint | Repeat | Refuse) -> str:
    assert isinstance(verdict, Refuse)
    return verdict.code


def earlier(state: str, *, same: bool = False, wish: str | None = None, fact: bytes | None = None, attempt: int = 1) -> Earlier:
    hashed = GRANT.asked.request_hash if same else OTHER
    return Earlier(attempt, state, hashed, wish or str(GRANT.asked.wish_hash), uuid4(), fact)


def after(*rows: Earlier) -> Standing:
    return replace(GOOD, earlier=rows)


def test_a_good_grant_is_minted():
    assert decide() == Mint(1)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"state": "fenced"}, "revoked"),
        ({"state": "revoked"}, "revoked"),
        ({"blocked": True}, "revoked"),
        ({"revision": 6}, "stale_decision"),
        ({"audit_at": None}, "audit_unavailable"),
        ({"audit_caught_up": None}, "audit_unavailable"),
        ({"audit_at": NOW - timedelta(seconds=6)}, "audit_unavailable"),
        ({"audit_caught_up": NOW - timedelta(seconds=6)}, "audit_unavailable"),
        ({"database_now": NOW + timedelta(seconds=6)}, "clock_skew"),
        ({"database_now": NOW - timedelta(seconds=6)}, "clock_skew"),
        ({"token_spent_by": OTHER}, "replayed"),
    ],
)
def test_what_stands_in_the_way_refuses(changed: dict[str, Any], expected: str):
    assert code(decide(replace(GOOD, **changed))) == expected


def test_a_token_that_this_very_request_spent_is_good():
    assert decide(replace(GOOD, token_spent_by=GRANT.asked.request_hash)) == Mint(1)


def test_past_the_deadline_nothing_is_minted():
    assert code(decide(now=GRANT.asked.deadline)) == "late"


def test_the_same_bytes_again_get_the_first_fact_whatever_the_clock_says():
    standing = replace(after(earlier("revoked", same=True, fact=b"first")), state="fenced", blocked=True)
    assert decide(standing, now=GRANT.asked.deadline + timedelta(hours=1)) == Repeat(b"first")


def test_of_several_attempts_the_one_that_was_answered_is_repeated():
    assert decide(after(earlier("revoking", same=True), earlier("active", same=True, fact=b"second", attempt=2))) == Repeat(b"second")


def test_the_same_id_for_another_wish_is_refused():
    assert code(decide(after(earlier("active", wish="e" * 64)))) == "request_id_reused"


def test_the_same_wish_in_new_bytes_waits_for_the_first_or_ends_it():
    assert code(decide(after(earlier("minting")))) == "in_progress"
    row = earlier("active")
    assert decide(after(row)) == Refuse(
        "already_answered", "an earlier request with this request_id was answered: what it minted is revoked", row.credential_id
    )
    refused = decide(after(earlier("revoked")))
    assert code(refused) == "already_answered"
    assert isinstance(refused, Refuse)
    assert refused.end is None
    assert {"in_progress", "already_answered"} <= RETRYABLE


def test_an_interrupted_attempt_is_taken_over_where_names_tell_and_its_end_is_ordered():
    row = earlier("minting", same=True)
    assert decide(after(row)) == Mint(2, abandon=row.credential_id)


def test_an_attempt_that_is_being_revoked_already_is_not_abandoned_twice():
    assert decide(after(earlier("revoking", same=True))) == Mint(2)


def test_an_interrupted_attempt_is_never_repeated_where_no_name_tells_what_came_of_it():
    row = earlier("minting", same=True)
    verdict = decide(after(row), by_name=False)
    assert code(verdict) == "provider_unknown"
    assert isinstance(verdict, Refuse)
    assert verdict.end == row.credential_id


def test_attempts_have_an_end():
    verdict = decide(after(earlier("minting", same=True, attempt=intent.MOST_ATTEMPTS)))
    assert code(verdict) == "provider_unknown"


def test_a_fence_stops_a_takeover_too():
    assert code(decide(replace(after(earlier("minting", same=True)), state="fenced"))) == "revoked"
