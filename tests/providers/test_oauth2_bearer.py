"""RFC 7523 section 2.1 against oidc-provider: what our key signs is taken for whom it names, once, and by this server alone."""

import json
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers.seam import Borrower, Minted, Refused
from tests.providers.desk import CANARY, Desk, told
from tests.support.oidc import Oidc

pytestmark = pytest.mark.counterparts
OPAQUE = "https://api.example"
JWT: dict[str, Any] = {"grant": "jwt_bearer", "algorithm": "ES256", "key_id": "k1"}
KEYED, BARE = JWT | {"auth": "private_key_jwt"}, JWT | {"auth": "none"}


def token(minted: Minted) -> str:
    return str(json.loads(minted.secret.reveal())["access_token"])


def pair(oidc: Oidc, **config: Any) -> Desk:
    """A client with a secret, and a key beside it."""
    desk = oidc.desk("pair", **JWT, **config)
    return Desk(desk.provider, desk.config, {"secret": Secret("s3cret"), "key": Secret(oidc.key)}, desk.scopes, desk.away)


@pytest.mark.parametrize(("client", "config"), [("bearer", KEYED), ("bare", BARE), ("pair", {})])
async def test_what_is_lent_is_active_until_it_is_revoked(oidc: Oidc, client: str, config: dict[str, Any]):
    desk = pair(oidc) if client == "pair" else oidc.desk(client, **config)
    minted = await desk.mint()
    assert minted.amiss == ""
    said = await oidc.says(token(minted))
    assert (said["active"], said["client_id"], said["sub"], said["scope"]) == (True, client, client, "read")

    await desk.revoke(minted)

    assert not await oidc.active(token(minted))


async def test_the_token_is_of_whom_the_connector_names_for_this_project_and_environment(oidc: Oidc):
    desk = oidc.desk("bearer", **KEYED, subject="{project}@{environment}", assertion_issuer="https://issuer.example")

    minted = await desk.mint(borrower=Borrower("5b" * 32, "web", "preview"))

    assert (await oidc.says(token(minted)))["sub"] == "web@preview"


@pytest.mark.parametrize("audience", ["issuer", "token_endpoint"])
async def test_it_is_for_the_issuer_or_the_token_endpoint(oidc: Oidc, audience: str):
    assert (await pair(oidc, assertion_audience=audience).mint()).amiss == ""


async def test_a_resource_narrows_it_and_is_proven(oidc: Oidc):
    detail = {"type": "oauth2", "resource": OPAQUE}

    minted = await pair(oidc).mint(details=(detail,))

    assert (minted.amiss, minted.granted_details) == ("", (detail,))


@pytest.mark.parametrize("config", [{"assertion_issuer": "https://somebody.example"}, {"key_id": "k2"}])
async def test_what_the_server_does_not_take_is_refused(oidc: Oidc, config: dict[str, Any]):
    desk = pair(oidc)

    with pytest.raises(Refused, match="invalid_grant"):
        await desk.mint(config={**desk.config, **config})


async def test_what_names_another_server_is_refused(oidc: Oidc):
    places = {"token_endpoint": f"{oidc.url}/token", "revocation_endpoint": f"{oidc.url}/token/revocation"}
    desk = pair(oidc, **places)

    with pytest.raises(Refused, match="invalid_grant"):
        await desk.mint(config={**desk.config, "issuer": "https://someone-else.example"})


async def test_a_key_that_is_none_signs_nothing_and_is_not_quoted(oidc: Oidc):
    desk = oidc.desk("bare", **BARE)

    with pytest.raises(Refused, match="bad_key") as refused:
        await desk.provider.mint(desk.order(), desk.wrong_root)

    assert CANARY not in told(refused.value)
