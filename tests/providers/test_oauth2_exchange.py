"""RFC 8693 against oidc-provider: a client's own token is exchanged for less, and is dead by the time that anything is lent."""

import json
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers.oauth import exchange
from services.providers.seam import Minted, Refused
from tests.providers.desk import Desk
from tests.support.oidc import Oidc

pytestmark = pytest.mark.counterparts
OPAQUE = "https://api.example"
EXCHANGE: dict[str, Any] = {"grant": "token_exchange"}


def token(minted: Minted) -> str:
    return str(json.loads(minted.secret.reveal())["access_token"])


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was shown to be exchanged."""
    asked, found = exchange.asked, list[str]()

    async def watched(server: Any, wish: Any, subject: str) -> Any:
        found.append(subject)
        return await asked(server, wish, subject)

    monkeypatch.setattr(exchange, "asked", watched)
    return found


def signing(oidc: Oidc, **config: Any) -> Desk:
    desk = oidc.desk("signer", auth="none", exchanges="jwt", algorithm="ES256", key_id="k1", **EXCHANGE, **config)
    return Desk(desk.provider, desk.config, {"secret": Secret(oidc.key)}, desk.scopes, desk.away)


async def test_what_is_lent_is_active_until_revoked_and_what_it_came_of_is_dead(oidc: Oidc, seen: list[str]):
    desk = oidc.desk("exchanger", **EXCHANGE, exchanged_scopes=["read", "write"])
    minted = await desk.mint()
    assert minted.amiss == ""
    said = await oidc.says(token(minted))
    assert (said["active"], said["client_id"], said["scope"]) == (True, "exchanger", "read")
    assert len(seen) == 1
    assert seen[0] != token(minted)
    assert not await oidc.active(seen[0])

    await desk.revoke(minted)

    assert not await oidc.active(token(minted))


async def test_a_resource_narrows_it_and_is_proven(oidc: Oidc):
    detail = {"type": "oauth2", "resource": OPAQUE}

    minted = await oidc.desk("exchanger", **EXCHANGE).mint(details=(detail,))

    assert (minted.amiss, minted.granted_details) == ("", (detail,))


async def test_more_than_the_clients_own_token_has_is_refused_and_that_one_is_dead(oidc: Oidc, seen: list[str]):
    desk = oidc.desk("exchanger", "write", **EXCHANGE, exchanged_scopes=["read"])

    with pytest.raises(Refused, match="invalid_scope"):
        await desk.mint()

    assert len(seen) == 1
    assert not await oidc.active(seen[0])


async def test_where_the_connector_says_so_it_lives_its_own_time(oidc: Oidc, seen: list[str]):
    minted = await oidc.desk("exchanger", **EXCHANGE, exchanged_ends=False).mint()

    assert minted.amiss == ""
    assert await oidc.active(seen[0])


async def test_a_jwt_of_our_key_is_exchanged_too_and_says_whose_it_is(oidc: Oidc):
    desk = signing(oidc, subject="{project}@{environment}")

    minted = await desk.mint()

    assert minted.amiss == ""
    assert (await oidc.says(token(minted)))["sub"] == "web@production"
    await desk.revoke(minted)
    assert not await oidc.active(token(minted))


async def test_another_type_than_the_server_gives_is_refused(oidc: Oidc):
    with pytest.raises(Refused, match="invalid_request"):
        await signing(oidc, requested_token_type="jwt").mint()
