"""GitHub, on the emulator of it: what is lent opens what was asked for and nothing else, and is dead when it is ended."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.seam import Minted, Refused, token_of
from tests.providers.desk import Desk, told
from tests.support.github import OTHER, GitHub, pem

pytestmark = pytest.mark.counterparts

ISSUE = {"title": "from a test"}


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    return desk_of(request.getfixturevalue("github"))


def desk_of(github: GitHub, **changes: Any) -> Desk:
    return Desk(
        shelf.provider("github"),
        github.config(**changes),
        {"private_key": github.key},
        frozenset({"contents:read"}),
        away=github.config(api="http://127.0.0.1:1"),
        details=named("acme/a"),
        wrong_root={"private_key": Secret(pem())},
    )


def named(*repositories: str) -> tuple[dict[str, object], ...]:
    return ({"type": "github", "repositories": list(repositories)},)


def text(minted: Minted) -> str:
    return token_of(minted).text()


async def refused(desk: Desk, **changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        await desk.mint(**changes)
    assert "ghs_" not in told(caught.value)
    return caught.value.code


async def test_a_token_opens_its_repositories_with_its_permissions_and_nothing_else(github: GitHub):
    token = text(await desk_of(github).mint())

    assert await github.asks(token, "GET", "/repos/acme/a") == 200
    assert await github.asks(token, "GET", "/repos/acme/a/contents/README.md") == 200
    assert await github.asks(token, "GET", "/repos/acme/b/contents/README.md") in {403, 404}
    assert await github.asks(token, "POST", "/repos/acme/a/issues", json=ISSUE) == 403


async def test_another_permission_opens_what_it_says(github: GitHub):
    token = text(await desk_of(github).mint(scopes=frozenset({"issues:write"}), details=named("acme/a", "acme/b")))

    assert await github.asks(token, "POST", "/repos/acme/a/issues", json=ISSUE) == 201
    assert await github.asks(token, "POST", "/repos/acme/b/issues", json=ISSUE) == 201
    assert await github.asks(token, "POST", "/repos/acme/closed/issues", json=ISSUE) in {403, 404}


async def test_github_is_told_both_and_keeps_no_more(github: GitHub):
    before = len(await github.minted())

    await desk_of(github).mint()

    (made,) = (await github.minted())[before:]
    assert made["permissions"] == {"contents": "read"}
    assert made["repository_selection"] == "selected"
    assert len(made["repository_ids"]) == 1


async def test_what_is_lent_for_less_than_its_hour_is_over_at_the_lent_time_though_it_lives_on(github: GitHub):
    minted = await desk_of(github).mint(expires_at=(over := datetime.now(UTC) + timedelta(minutes=5)))

    assert minted.expires_at == over
    assert timedelta(minutes=59) < datetime.fromisoformat((await github.minted())[-1]["expires_at"]) - datetime.now(UTC)


async def test_what_is_lent_for_more_than_its_hour_is_over_with_the_hour(github: GitHub):
    minted = await desk_of(github).mint(expires_at=datetime.now(UTC) + timedelta(hours=5))

    assert timedelta(minutes=59) < minted.expires_at - datetime.now(UTC) <= timedelta(hours=1)


async def test_an_ended_token_opens_nothing_and_the_others_go_on(github: GitHub):
    desk = desk_of(github)
    ended, other = await desk.mint(), await desk.mint()

    await desk.revoke(ended)

    assert await github.asks(text(ended), "GET", "/repos/acme/a") == 401
    assert await github.asks(text(other), "GET", "/repos/acme/a") == 200


async def test_the_same_order_twice_is_two_tokens(github: GitHub):
    desk, order = desk_of(github), desk_of(github).order()

    first, second = await desk.provider.mint(order, desk.root), await desk.provider.mint(order, desk.root)

    assert text(first) != text(second)


async def test_the_parts_are_what_git_sends(github: GitHub):
    minted = await desk_of(github).mint()

    assert json.loads(minted.secret.reveal())["credential"] == {"username": "x-access-token", "password": text(minted)}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": frozenset({"issues:admin"})}, "not_granted"),
        ({"scopes": frozenset({"secrets:read"})}, "not_granted"),
        ({"scopes": frozenset({"contents:read", "pull_requests:write"})}, "not_granted"),
        ({"details": named("acme/closed")}, "not_granted"),
        ({"details": named("acme/a", "acme/none")}, "not_granted"),
        ({"details": named("globex/a")}, "foreign_repository"),
        ({"details": ()}, "no_repository"),
        ({"scopes": frozenset()}, "no_permission"),
    ],
)
async def test_what_the_installation_has_not_is_refused_whole(github: GitHub, changes: dict[str, Any], code: str):
    before = len(await github.minted())

    assert await refused(desk_of(github), **changes) == code
    assert len(await github.minted()) == before


async def test_another_installation_of_the_same_app_is_another_account(github: GitHub):
    desk = desk_of(github, installation_id=OTHER, account="globex")
    token = text(await desk.mint(details=named("globex/a")))

    assert await github.asks(token, "GET", "/repos/globex/a") == 200
    assert await github.asks(token, "GET", "/repos/acme/a/contents/README.md") in {403, 404}
    assert await refused(desk, details=named("globex/a"), scopes=frozenset({"contents:write"})) == "not_granted"


async def test_an_installation_that_is_not_there_and_an_app_that_is_not_known_are_refused(github: GitHub):
    assert await refused(desk_of(github, installation_id=999)) == "not_installed"
    assert await refused(desk_of(github, app="999")) == "app_refused"


async def test_a_name_in_another_case_is_the_same_repository(github: GitHub):
    desk = desk_of(github)
    order = desk.order(details=named("Acme/A"))

    minted = await desk.provider.mint(order, desk.root)

    assert minted.granted_details == order.details
    assert not calls.more(order, minted)


async def test_metadata_is_no_more_than_was_asked_and_is_said_where_it_was(github: GitHub):
    both = frozenset({"contents:read", "metadata:read"})

    assert (await desk_of(github).mint(scopes=both)).granted_scopes == both
