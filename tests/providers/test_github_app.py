"""How a GitHub App proves itself to the emulator, and what is left of its tokens while it is suspended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from services.providers.abilities import Shuts
from services.providers.github.proof import private_key, proof
from services.providers.seam import Unavailable
from tests.providers.test_github import desk_of, refused, text
from tests.support.github import APP, GitHub


async def test_a_jwt_is_refused_by_the_provider_itself_once_its_time_is_up(github: GitHub):
    """The local look at the window is a courtesy; this is what holds for a request that was on its way."""
    old = proof(str(APP), private_key(github.key), datetime.now(UTC) - timedelta(seconds=60))
    young = proof(str(APP), private_key(github.key), datetime.now(UTC))
    url, wish = f"{github.url}/app/installations/100/access_tokens", {"repositories": ["a"], "permissions": {"contents": "read"}}

    async with httpx.AsyncClient(trust_env=False) as http:
        answers = [await http.post(url, headers={"Authorization": f"Bearer {one}"}, json=wish) for one in (old, young)]

    assert [one.status_code for one in answers] == [401, 201]


async def test_a_jwt_lives_no_longer_than_the_window(github: GitHub):
    now = datetime.now(UTC)
    claims = jwt.decode(proof("Iv1.abc", private_key(github.key), now + timedelta(seconds=3)), options={"verify_signature": False})

    assert claims["iss"] == "Iv1.abc"
    assert claims["exp"] - now.timestamp() <= 60
    assert claims["iat"] <= now.timestamp() - 59


async def test_a_suspended_installation_gives_nothing_and_what_it_gave_is_not_said_to_be_dead(github: GitHub):
    desk = desk_of(github, suspend=True)
    minted = await desk.mint()
    assert isinstance(desk.provider, Shuts)
    assert desk.provider.shuts(desk.config)

    await desk.provider.shut(desk.config, desk.root)
    await desk.provider.shut(desk.config, desk.root)
    try:
        assert await github.asks(text(minted), "GET", "/repos/acme/a") == 403
        assert await refused(desk) == "forbidden"
        with pytest.raises(Unavailable) as unclear:
            await desk.revoke(minted)
    finally:
        await desk.provider.reopen(desk.config, desk.root)

    assert unclear.value.code == "not_revoked"
    assert await github.asks(text(minted), "GET", "/repos/acme/a") == 200
    await desk.revoke(minted)
    assert await github.asks(text(minted), "GET", "/repos/acme/a") == 401


def test_an_installation_is_suspended_only_where_the_config_says_so(github: GitHub):
    desk = desk_of(github)

    assert isinstance(desk.provider, Shuts)
    assert not desk.provider.shuts(desk.config)


@pytest.mark.parametrize("wrong", [{"installation_id": 999}, {"app": "999"}])
async def test_who_is_not_the_app_suspends_nothing(github: GitHub, wrong: dict[str, Any]):
    desk = desk_of(github, **wrong)
    assert isinstance(desk.provider, Shuts)

    with pytest.raises(Unavailable):
        await desk.provider.shut(desk.config, desk.root)
    assert not github.shim.suspended
