"""Slack on a server of the tests that speaks as its documentation does: one token for all, rotated, and over with the grant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.providers import calls, shelf
from services.providers.consenting import Keeps, Kept, LeavesWith, NeedsConsent
from services.providers.seam import Irrevocable, Refused, Unavailable, Unknown, token_of
from tests.providers.desk import Desk, told
from tests.support.mcp import agreed
from tests.support.slack import SCOPES, SECRET, Slack

ALL = frozenset(SCOPES)


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    slack: Slack = request.getfixturevalue("slack")
    return slack.desk()


async def lent(slack: Slack, provider: Any, **config: Any) -> tuple[Any, Desk]:
    """A `Lent`, and the desk that it was lent at."""
    made = replace(slack.desk(), provider=provider, config=slack.config(**config))
    given = await agreed(provider, dict(made.config), slack.root, ALL)
    assert (given.amiss, given.scopes) == ("", ALL)
    return await provider.lend(made.order(), given.refresh, slack.root), made


async def test_what_is_lent_is_the_users_token_and_is_lent_again_without_a_refresh(slack: Slack):
    provider: Any = shelf.provider("slack")
    assert all(isinstance(provider, one) for one in (Keeps, LeavesWith))
    first, made = await lent(slack, provider)
    asked = len(slack.asked)

    again = await provider.again(made.order(), first.kept, made.root)

    assert (first.minted.amiss, first.minted.granted_scopes) == ("", ALL)
    assert slack.lives(token_of(first.minted).text())
    assert token_of(again) == token_of(first.minted)
    assert len(slack.asked) == asked
    assert first.kept.until - datetime.now(UTC) > timedelta(hours=11)
    assert token_of(again).text() not in repr((first, again))


async def test_one_cannot_be_ended_by_itself_and_all_are_dead_with_the_grant(slack: Slack):
    provider: Any = shelf.provider("slack")
    first, made = await lent(slack, provider)
    token = token_of(first.minted)
    with pytest.raises(Irrevocable) as one:
        await provider.revoke(first.minted.handle, made.config, made.root, token)
    assert one.value.until is not None
    assert slack.lives(token.text())

    await provider.leave_with(first.refresh, first.kept, made.config, made.root)

    assert slack.users == []
    assert await provider.revoke(first.minted.handle, made.config, made.root, token) is False
    await provider.leave_with(first.refresh, first.kept, made.config, made.root)


async def test_a_grant_without_a_live_token_is_ended_with_a_fresh_one_though_slack_fails_at_first(slack: Slack):
    provider: Any = shelf.provider("slack")
    first, made = await lent(slack, provider)
    refresh = first.refresh
    slack.users[0].tokens.clear()
    real, failed = slack.answer, list[bool]()

    async def once(request: Any) -> Any:
        if request.path_params["method"] == "auth.revoke" and not failed:
            failed.append(True)
            slack.no = ({"ok": False, "error": "internal_error"}, 200, {})
        return await real(request)

    slack.answer = once  # type: ignore[method-assign] # what the route calls is looked up each time
    with pytest.raises(Unavailable):
        await provider.leave_with(refresh, None, made.config, made.root)
    await provider.leave_with(refresh, None, made.config, made.root)

    assert slack.users == []


@pytest.mark.parametrize("missing", ["refresh_token", "expires_in"])
async def test_without_rotation_nothing_is_kept_and_what_was_given_is_ended(slack: Slack, missing: str):
    provider: Any = shelf.provider("slack")
    slack.changes = {missing: None}

    if missing == "refresh_token":
        with pytest.raises(Refused, match="rotation"):
            await agreed(provider, slack.config(), slack.root, ALL)
    else:
        assert "rotation" in (await agreed(provider, slack.config(), slack.root, ALL)).amiss
    assert slack.users == []


@pytest.mark.parametrize(
    ("changes", "beside", "why"),
    [
        ({"scope": "chat:write,admin"}, {}, "more than was asked"),
        ({"scope": None}, {}, "more than was asked"),
        ({"expires_in": 99999}, {}, "12 hours"),
        ({"token_type": "bot"}, {}, "no user's"),
        ({}, {"access_token": "xoxb-1"}, "a bot's token"),
        ({}, {"team": {"id": "T2"}}, "another workspace"),
    ],
)
async def test_what_is_not_what_was_asked_for_is_ended_at_once(slack: Slack, changes: dict[str, Any], beside: dict[str, Any], why: str):
    slack.changes, slack.beside = changes, beside

    given = await agreed(shelf.provider("slack"), slack.config(team="T1"), slack.root, ALL)

    assert why in given.amiss
    assert slack.users == []


async def test_a_refresh_that_gives_more_is_refused_and_not_kept(slack: Slack):
    provider: Any = shelf.provider("slack")
    first, made = await lent(slack, provider)
    slack.changes = {"scope": "chat:write,users:read,admin"}

    second = await provider.lend(made.order(), first.refresh, made.root)

    assert calls.more(made.order(), second.minted)
    assert second.kept is None


async def test_a_refresh_token_that_was_used_is_over(slack: Slack):
    provider: Any = shelf.provider("slack")
    first, made = await lent(slack, provider)
    await provider.lend(made.order(), first.refresh, made.root)

    with pytest.raises(NeedsConsent):
        await provider.lend(made.order(), first.refresh, made.root)


@pytest.mark.parametrize(
    ("body", "status", "means"),
    [
        ({"ok": False, "error": "ratelimited"}, 429, Unavailable),
        (None, 429, Unavailable),
        ({"ok": False, "error": "internal_error"}, 200, Unknown),
        ({"ok": False, "error": "fatal_error"}, 500, Unknown),
        (None, 502, Unknown),
        ({"ok": True}, 200, Unknown),
        ({"ok": False, "error": "bad_client_secret"}, 200, Refused),
        ({"ok": False, "error": "something_new"}, 200, Refused),
        ({"ok": False, "error": "account_inactive"}, 200, NeedsConsent),
    ],
)
async def test_a_no_means_what_the_body_says_not_the_status(slack: Slack, body: Any, status: int, means: type[Exception]):
    provider: Any = shelf.provider("slack")
    first, made = await lent(slack, provider)
    slack.no = (body, status, {"retry-after": "7"})

    with pytest.raises(means) as no:
        await provider.lend(made.order(), first.refresh, made.root)

    assert SECRET not in told(no.value)
    if means is Unavailable:
        assert no.value.retry_after == timedelta(seconds=7)  # type: ignore[attr-defined]
        with pytest.raises(Unavailable, match="left alone"):
            await provider.lend(made.order(), first.refresh, made.root)


@pytest.mark.parametrize("changed", ["scopes", "app", "time"])
async def test_what_is_kept_is_lent_for_the_same_alone_and_while_it_lives(slack: Slack, changed: str):
    provider: Any = shelf.provider("slack")
    first, made = await lent(slack, provider)
    order, kept = made.order(), first.kept
    if changed == "scopes":
        order = replace(order, scopes=frozenset({"chat:write"}), config=slack.config(scopes=["chat:write"]))
    elif changed == "app":
        order = replace(order, config=slack.config(client_id="other"))
    else:
        kept = Kept(kept.token, datetime.now(UTC) + timedelta(seconds=20))

    assert await provider.again(order, kept, made.root) is None


async def test_other_scopes_are_another_app(slack: Slack):
    with pytest.raises(Refused, match="other_scopes"):
        slack.desk().provider.check(frozenset({"chat:write"}), (), slack.config())


async def test_a_token_is_not_shown_to_another_app_and_an_unclear_answer_ends_nothing(slack: Slack):
    provider: Any = shelf.provider("slack")
    first, made = await lent(slack, provider)

    with pytest.raises(Refused, match="app_changed"):
        await provider.revoke(first.minted.handle, slack.config(client_id="other"), made.root, token_of(first.minted))
    slack.no = ({"ok": False, "error": "internal_error"}, 200, {})
    with pytest.raises(Unavailable, match="not_proven"):
        await provider.revoke(first.minted.handle, made.config, made.root, token_of(first.minted))
