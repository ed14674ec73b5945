"""GitHub on behalf of users, on a server of ours: each credential is a scoped token, opens what was asked alone, and is dead when it is ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.consenting import Kept, NeedsConsent
from services.providers.seam import Minted, Order, Refused, Root, Unavailable, token_of
from tests.providers.desk import Desk, told
from tests.support.github_user import SECRET, GitHub

ROOT = {"client_secret": Secret(SECRET)}


@dataclass
class Lender:
    """The provider, and one user who agreed: what is minted is lent on their behalf. What is kept between calls is kept as the grants keep it."""

    refresh: Secret
    kept: Kept | None = None
    provider: Any = field(default_factory=lambda: shelf.provider("github_user"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.provider, name)

    async def mint(self, order: Order, root: Root) -> Minted:
        minted = await self.provider.again(order, self.kept, root) if self.kept else None
        if minted is None:
            lent = await self.provider.lend(order, self.refresh, root)
            self.refresh, self.kept = lent.refresh, lent.kept
            minted = await self.provider.make(order, self.kept, root)
        assert isinstance(minted, Minted)
        return minted


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    return desk_of(request.getfixturevalue("github_of_users"))


def desk_of(github: GitHub, **changes: Any) -> Desk:
    lender: Any = Lender(Secret(github.tokens.pair("octocat")["refresh_token"]))
    away = github.config(api="http://127.0.0.1:1", web="http://127.0.0.1:1")
    return Desk(lender, github.config(**changes), ROOT, frozenset({"contents:read"}), away, named("acme/a"))


def named(*repositories: str) -> tuple[Mapping[str, object], ...]:
    return ({"type": "github", "repositories": list(repositories)},)


def text(minted: Minted) -> str:
    return token_of(minted).text()


async def test_a_token_opens_its_repositories_with_its_permissions_and_nothing_else(github_of_users: GitHub):
    token = text(await desk_of(github_of_users).mint())

    assert await github_of_users.asks(token, "GET", "/repos/acme/a/contents") == 200
    assert await github_of_users.asks(token, "GET", "/repos/acme/b/contents") == 404
    assert await github_of_users.asks(token, "POST", "/repos/acme/a/contents") == 403
    assert await github_of_users.asks(token, "POST", "/repos/acme/a/issues") == 403


async def test_what_is_lent_is_never_the_grants_own_token(github_of_users: GitHub):
    desk = desk_of(github_of_users)
    lent = {text(await desk.mint()) for _ in range(3)}

    kept = desk.provider.kept  # type: ignore[attr-defined]
    assert len(lent) == 3
    assert kept.token.text() not in lent
    assert await github_of_users.asks(kept.token.text(), "POST", "/repos/acme/b/contents") == 201  # what it would have been
    assert github_of_users.tokens.refreshed == 1


async def test_an_ended_token_opens_nothing_and_the_others_go_on(github_of_users: GitHub):
    desk = desk_of(github_of_users)
    ended, other = await desk.mint(), await desk.mint()

    assert await desk.revoke(ended) is True

    assert await github_of_users.asks(text(ended), "GET", "/repos/acme/a/contents") == 401
    assert await github_of_users.asks(text(other), "GET", "/repos/acme/a/contents") == 200
    assert await desk.revoke(ended) is False
    assert await desk.mint()


async def test_one_whose_time_is_over_at_github_is_not_asked_for(github_of_users: GitHub):
    desk = desk_of(github_of_users)
    over = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    assert await desk.provider.revoke({"until": over}, desk.config, desk.root, Secret("x")) is None


async def test_it_is_over_with_what_it_was_made_of_where_that_is_less(github_of_users: GitHub):
    minted = await desk_of(github_of_users).mint(expires_at=datetime.now(UTC) + timedelta(hours=20))

    assert timedelta(hours=7, minutes=59) < minted.expires_at - datetime.now(UTC) <= timedelta(hours=8)
    assert minted.handle["until"] == minted.expires_at.isoformat()


async def test_what_is_kept_is_renewed_only_where_it_lives_for_less_than_was_asked(github_of_users: GitHub):
    github_of_users.tokens.life = timedelta(minutes=30)
    desk = desk_of(github_of_users)
    for minutes in (5, 29):
        await desk.mint(expires_at=datetime.now(UTC) + timedelta(minutes=minutes))
    assert github_of_users.tokens.refreshed == 1

    github_of_users.tokens.life = timedelta(hours=8)
    await desk.mint(expires_at=datetime.now(UTC) + timedelta(minutes=40))
    for hours in (1, 8, 8):  # half of its life is enough for anybody
        await desk.mint(expires_at=datetime.now(UTC) + timedelta(hours=hours))

    assert github_of_users.tokens.refreshed == 2


async def test_a_kept_token_that_is_dead_is_renewed(github_of_users: GitHub):
    desk = desk_of(github_of_users)
    await desk.mint()
    del github_of_users.tokens.held[desk.provider.kept.token.text()]  # type: ignore[attr-defined]

    assert await desk.mint()
    assert github_of_users.tokens.refreshed == 2


async def test_whoever_takes_their_agreement_back_at_github_is_asked_again(github_of_users: GitHub):
    desk = desk_of(github_of_users)
    await desk.mint()
    github_of_users.tokens.forget("octocat")

    with pytest.raises(NeedsConsent, match="bad_refresh_token"):
        await desk.mint()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": frozenset({"issues:admin"})}, "not_granted"),
        ({"scopes": frozenset({"secrets:read"})}, "not_granted"),
        ({"details": named("acme/a", "acme/none")}, "not_granted"),
        ({"details": named("nobody/a")}, "not_granted"),
        ({"details": named("acme/a", "globex/a")}, "foreign_repository"),
        ({"details": named("acme/*")}, "detail"),
        ({"details": ()}, "no_repository"),
        ({"scopes": frozenset()}, "no_permission"),
    ],
)
async def test_what_is_not_to_be_had_is_refused_whole_and_costs_nobody_their_tokens(github_of_users: GitHub, changes: dict[str, Any], code: str):
    desk = desk_of(github_of_users)
    other = await desk.mint()

    with pytest.raises(Refused) as caught:
        await desk.mint(**changes)

    assert caught.value.code == code
    assert "gh" not in told(caught.value).lower().replace("github", "")
    assert (github_of_users.tokens.refreshed, github_of_users.made) == (1, 1)
    assert await github_of_users.asks(text(other), "GET", "/repos/acme/a/contents") == 200


@pytest.mark.parametrize("changes", [{"details": ()}, {"scopes": frozenset()}, {"details": named()}])
async def test_without_repositories_or_permissions_nothing_is_sent(github_of_users: GitHub, changes: dict[str, Any]):
    """Not the refresh, either."""
    with pytest.raises(Refused):
        await desk_of(github_of_users).mint(**changes)

    assert github_of_users.tokens.refreshed == 0


async def test_a_connector_may_be_for_one_account(github_of_users: GitHub):
    desk = desk_of(github_of_users, account="acme")

    assert await desk.mint()
    with pytest.raises(Refused, match="foreign_repository"):
        await desk.mint(details=named("globex/a"))


async def test_a_name_in_another_case_is_the_same_repository(github_of_users: GitHub):
    desk = desk_of(github_of_users)
    order = desk.order(details=named("Acme/A"))

    assert not calls.more(order, await desk.provider.mint(order, desk.root))


async def test_the_parts_are_what_git_sends(github_of_users: GitHub):
    minted = await desk_of(github_of_users).mint()

    assert json.loads(minted.secret.reveal())["credential"] == {"username": "x-access-token", "password": text(minted)}


async def test_nobody_is_lent_to_without_a_user(github_of_users: GitHub):
    desk = desk_of(github_of_users)

    with pytest.raises(Refused, match="no_user"):
        await shelf.provider("github_user").mint(desk.order(), desk.root)


@pytest.mark.parametrize("with_kept", [True, False])
async def test_the_end_of_a_grant_is_the_end_of_all_that_was_lent_under_it(github_of_users: GitHub, with_kept: bool):
    desk = desk_of(github_of_users)
    lent = [await desk.mint() for _ in range(2)]
    lender: Any = desk.provider

    for _ in range(2):  # over already is no error
        await lender.leave_with(lender.refresh, lender.kept if with_kept else None, desk.config, desk.root)

    assert (github_of_users.tokens.held, github_of_users.tokens.refreshes) == ({}, {})
    assert await github_of_users.asks(text(lent[0]), "GET", "/repos/acme/a/contents") == 401


async def test_a_wrong_secret_ends_no_grant(github_of_users: GitHub):
    """To an app that it does not know GitHub says that the token is not there."""
    desk = desk_of(github_of_users)
    minted = await desk.mint()
    lender: Any = desk.provider

    with pytest.raises(Unavailable, match="app_refused"):
        await lender.leave_with(lender.refresh, lender.kept, desk.config, {"client_secret": Secret("other")})
    with pytest.raises(Unavailable, match="not_revoked"):
        await lender.revoke(minted.handle, desk.config, {"client_secret": Secret("other")}, token_of(minted))

    assert await github_of_users.asks(text(minted), "GET", "/repos/acme/a/contents") == 200
