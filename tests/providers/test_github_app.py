"""How a GitHub App proves itself to the emulator, and what is left of its tokens while it is suspended."""

from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

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
    desk = desk_of(github)
    minted = await desk.mint()
    bearer = {"Authorization": f"Bearer {proof(str(APP), private_key(github.key), datetime.now(UTC))}"}
    assert (await github.shim.http.put(f"{github.url}/app/installations/100/suspended", headers=bearer)).status_code == 204
    try:
        assert await refused(desk) == "forbidden"
        with pytest.raises(Unavailable) as unclear:
            await desk.revoke(minted)
    finally:
        await github.shim.http.delete(f"{github.url}/app/installations/100/suspended", headers=bearer)

    assert unclear.value.code == "not_revoked"
    await desk.revoke(minted)
    assert await github.asks(text(minted), "GET", "/repos/acme/a") == 401
