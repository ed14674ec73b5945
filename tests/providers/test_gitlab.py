"""GitLab, on one that is written by its documentation: what is lent opens its place with its scopes and role, and is dead when it is ended."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from counterfoil.wire.secret import Secret
from services.providers import shelf
from services.providers.gitlab.wish import last_day
from services.providers.seam import Minted, Refused, Unavailable, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.support.gitlab import OWNER, GitLab

USUAL = frozenset({"read_api", "role:reporter"})


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    return desk_of(request.getfixturevalue("gitlab"))


def desk_of(gitlab: GitLab, **changes: Any) -> Desk:
    config = {"place": "projects/acme/web", "api": gitlab.url, "network": "this_machine", **changes}
    return Desk(shelf.provider("gitlab"), config, {"token": Secret(OWNER)}, USUAL, away={**config, "api": "http://127.0.0.1:1"})


def text(minted: Minted) -> str:
    return token_of(minted).text()


async def refused(desk: Desk, **changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        await desk.mint(**changes)
    return caught.value.code


async def test_a_token_opens_its_place_with_its_scopes_and_role_until_it_is_revoked(gitlab: GitLab):
    desk = desk_of(gitlab)
    minted = await desk.mint()
    token = text(minted)
    assert minted.amiss == ""
    assert minted.granted_scopes == USUAL
    assert await gitlab.asks(token, "GET", "projects/acme%2Fweb/issues") == 200
    assert await gitlab.asks(token, "POST", "projects/acme%2Fweb/issues") == 403
    assert await gitlab.asks(token, "GET", "projects/acme%2Fdocs/issues") == 404

    await desk.revoke(minted)

    assert await gitlab.asks(token, "GET", "projects/acme%2Fweb/issues") == 401


async def test_a_role_is_kept_to(gitlab: GitLab):
    reporter = text(await desk_of(gitlab).mint(scopes=frozenset({"api", "role:reporter"})))
    developer = text(await desk_of(gitlab).mint(scopes=frozenset({"api", "role:developer"})))

    assert await gitlab.asks(reporter, "POST", "projects/acme%2Fweb/issues") == 403
    assert await gitlab.asks(developer, "POST", "projects/acme%2Fweb/issues") == 201


async def test_a_group_has_tokens_too(gitlab: GitLab):
    desk = desk_of(gitlab, place="groups/acme")
    minted = await desk.mint()
    assert await gitlab.asks(text(minted), "GET", "groups/acme/issues") == 200

    await desk.revoke(minted)

    assert await gitlab.asks(text(minted), "GET", "groups/acme/issues") == 401


async def test_the_name_carries_the_credential_and_the_day_is_the_first_that_is_long_enough(gitlab: GitLab):
    desk = desk_of(gitlab)
    order = desk.order()
    minted = await desk.provider.mint(order, desk.root)

    (made,) = gitlab.made
    assert made["name"] == f"counterfoil-{order.credential_id}"
    assert date.fromisoformat(made["expires_at"]) == last_day(order.expires_at)
    assert minted.expires_at == order.expires_at
    assert await desk.is_alive(order.credential_id)
    await desk.revoke(minted)
    assert not await desk.is_alive(order.credential_id)


@pytest.mark.parametrize(
    ("ends", "day"),
    [("2026-11-28T00:00:00+00:00", "2026-11-28"), ("2026-11-28T00:00:01+00:00", "2026-11-29"), ("2026-12-31T23:59:59-01:00", "2027-01-02")],
)
def test_a_day_is_over_as_it_begins(ends: str, day: str):
    assert last_day(datetime.fromisoformat(ends)) == date.fromisoformat(day)


async def test_a_token_that_renewed_itself_dies_with_its_name(gitlab: GitLab):
    desk = desk_of(gitlab)
    minted = await desk.mint(scopes=frozenset({"api", "role:developer"}))
    assert await gitlab.asks(text(minted), "POST", "projects/acme%2Fweb/access_tokens/self/rotate") == 200
    renewed = gitlab.made[-1]["token"]
    assert await gitlab.asks(renewed, "GET", "projects/acme%2Fweb/issues") == 200

    await desk.revoke(minted)

    assert await gitlab.asks(renewed, "GET", "projects/acme%2Fweb/issues") == 401


async def test_what_came_of_a_lost_answer_is_ended_by_its_name_alone_each_of_it(gitlab: GitLab):
    desk = desk_of(gitlab)
    order = desk.order()
    lost = [await desk.provider.mint(order, desk.root) for _ in range(2)]
    other = await desk.mint()

    await desk.provider.revoke(desk.provider.handle(order.credential_id) or {}, desk.config, desk.root, None)

    assert [await gitlab.asks(text(one), "GET", "projects/acme%2Fweb/issues") for one in (*lost, other)] == [401, 401, 200]


@pytest.mark.parametrize("old", [False, True])
async def test_it_is_found_among_hundreds_and_by_older_servers(gitlab: GitLab, old: bool):
    gitlab.old = old
    for number in range(230):
        gitlab.add("projects/acme/web", {"name": f"of somebody {number}", "scopes": ["api"], "expires_at": "2999-01-01"}, 40)
    gitlab.add("projects/acme/web", {"name": "counterfoil-no-uuid", "scopes": ["api"], "expires_at": "2999-01-01"}, 40)
    desk = desk_of(gitlab)
    order = desk.order()
    minted = await desk.provider.mint(order, desk.root)

    assert set(await desk.provider.alive(desk.config, desk.root)) == {order.credential_id}
    await desk.revoke(minted)
    assert [one["revoked"] for one in gitlab.made] == [False] * 231 + [True]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": frozenset({"read_api"})}, "no_role"),
        ({"scopes": frozenset({"read_api", "role:reporter", "role:owner"})}, "no_role"),
        ({"scopes": frozenset({"read_api", "role:king"})}, "no_role"),
        ({"scopes": frozenset({"role:reporter"})}, "no_scope"),
        ({"scopes": frozenset({"api", "self_rotate", "role:reporter"})}, "self_rotate"),
        ({"details": ({"type": "gitlab"},)}, "no_details"),
        ({"scopes": frozenset({"sudo", "role:reporter"})}, "not_granted"),
        ({"scopes": frozenset({"read_api", "role:owner"})}, "not_granted"),
    ],
)
async def test_what_cannot_be_is_refused_whole(gitlab: GitLab, changes: dict[str, Any], code: str):
    assert await refused(desk_of(gitlab), **changes) == code
    assert gitlab.made == []


async def test_a_place_that_is_not_there_is_refused_and_proves_no_end(gitlab: GitLab):
    desk = desk_of(gitlab, place="projects/acme/none")

    assert await refused(desk) == "no_such_place"
    with pytest.raises(Unavailable) as unproven:
        await desk.provider.revoke({"name": f"counterfoil-{uuid4()}"}, desk.config, desk.root, None)
    assert unproven.value.code == "not_listed"


@pytest.mark.parametrize(
    "place", ["acme/web", "users/acme", "projects/", "projects/../x", "projects/acme/..", "projects/a b", "projects/a%2Fb", "projects/a?b"]
)
def test_a_place_is_a_plain_path(gitlab: GitLab, place: str):
    desk = desk_of(gitlab, place=place)

    with pytest.raises(Refused):
        desk.provider.check(desk.scopes, (), desk.config)


async def test_a_handle_that_is_not_ours_or_another_gitlabs_ends_nothing(gitlab: GitLab):
    desk, name = desk_of(gitlab), f"counterfoil-{uuid4()}"

    with pytest.raises(Refused):
        await desk.provider.revoke({"name": "of somebody"}, desk.config, desk.root, None)
    with pytest.raises(Unavailable):
        await desk.provider.revoke({"name": name, "api": "https://gitlab.com/api/v4"}, desk.config, desk.root, None)


async def test_the_parts_are_what_git_sends(gitlab: GitLab):
    minted = await desk_of(gitlab).mint()

    assert json.loads(minted.secret.reveal())["credential"] == {"username": "oauth2", "password": text(minted)}


async def test_a_lent_time_over_midnight_is_asked_for_whole(gitlab: GitLab):
    minted = await desk_of(gitlab).mint(expires_at=(over := datetime.now(UTC) + timedelta(hours=24)))

    assert minted.expires_at == over
    assert minted.amiss == ""


async def test_a_root_secret_with_a_line_break_is_not_sent(gitlab: GitLab):
    desk = desk_of(gitlab)
    with pytest.raises(Refused) as caught:
        await desk.provider.mint(desk.order(), {"token": Secret(f"{CANARY}\r\nX: y")})

    assert CANARY not in told(caught.value)
