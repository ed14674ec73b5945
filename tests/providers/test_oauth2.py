"""OAuth 2.0 against oidc-provider, which is real: what is lent is active, what is ended is not, and what it drops is seen."""

import json
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers.seam import Irrevocable, Minted, Refused, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.support.oidc import Oidc

pytestmark = pytest.mark.counterparts
OPAQUE, JWT = "https://api.example", "https://jwt.example"
KEYED: dict[str, Any] = {"auth": "private_key_jwt", "algorithm": "ES256", "key_id": "k1"}


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    oidc: Oidc = request.getfixturevalue("oidc")
    return oidc.desk()


def told_token(minted: Minted) -> str:
    return str(json.loads(minted.secret.reveal())["access_token"])


@pytest.mark.parametrize(("client", "config"), [("acme", {}), ("posts", {"auth": "client_secret_post"}), ("keyed", KEYED)])
async def test_what_is_lent_is_active_with_these_scopes_until_it_is_revoked(oidc: Oidc, client: str, config: dict[str, Any]):
    desk = oidc.desk(client, "read", "write", **config)
    minted = await desk.mint()
    assert (minted.amiss, minted.token_type) == ("", "Bearer")
    said = await oidc.says(told_token(minted))
    assert (said["active"], said["client_id"], said["scope"]) == (True, client, "read write")

    await desk.revoke(minted)

    assert not await oidc.active(told_token(minted))


async def test_revoking_again_and_what_was_never_there_is_no_error(oidc: Oidc):
    desk = oidc.desk()
    minted = await desk.mint()
    for token in (token_of(minted), token_of(minted), Secret("never-there")):
        await desk.provider.revoke(minted.handle, desk.config, desk.root, token)


@pytest.mark.parametrize(("client", "config"), [("acme", {}), ("posts", {"auth": "client_secret_post"})])
async def test_a_bad_secret_is_refused(oidc: Oidc, client: str, config: dict[str, Any]):
    desk = oidc.desk(client, **config)

    with pytest.raises(Refused) as refused:
        await desk.provider.mint(desk.order(), desk.wrong_root)

    assert refused.value.code == "invalid_client"
    assert CANARY not in told(refused.value)


async def test_a_scope_that_the_server_drops_without_a_word_is_seen_and_what_was_given_dies(oidc: Oidc):
    desk = oidc.desk("acme", "no-such-scope")

    minted = await desk.mint()

    assert "which scopes" in minted.amiss
    assert await oidc.active(told_token(minted))  # that is the trap
    await desk.revoke(minted)
    assert not await oidc.active(told_token(minted))


async def test_of_some_that_the_server_drops_the_rest_is_written_down(oidc: Oidc):
    minted = await oidc.desk("acme", "read", "no-such-scope").mint()

    assert (sorted(minted.granted_scopes), minted.amiss) == (["read"], "")


async def test_a_resource_narrows_the_audience_and_is_proven(oidc: Oidc):
    detail = {"type": "oauth2", "resource": OPAQUE}

    minted = await oidc.desk().mint(details=(detail,))

    assert (minted.amiss, minted.granted_details) == ("", (detail,))
    assert (await oidc.says(told_token(minted)))["aud"] == OPAQUE


async def test_a_resource_that_cannot_be_proven_is_amiss(oidc: Oidc):
    minted = await oidc.desk().mint(details=({"type": "oauth2", "resource": JWT},))

    assert "resource" in minted.amiss


async def test_a_self_contained_token_cannot_be_revoked_and_nobody_says_it_was(oidc: Oidc):
    desk = oidc.desk(resource=JWT)
    minted = await desk.mint()
    assert minted.amiss == ""
    assert told_token(minted).count(".") == 2

    with pytest.raises(Irrevocable) as caught:
        await desk.revoke(minted)

    assert caught.value.code == "unsupported_token_type"
    assert caught.value.until is not None
    assert caught.value.until > minted.expires_at


@pytest.mark.parametrize("audience", ["issuer", "token_endpoint"])
async def test_an_assertion_is_for_the_issuer_or_the_token_endpoint(oidc: Oidc, audience: str):
    desk = oidc.desk("keyed", **KEYED, assertion_audience=audience)

    await desk.revoke(await desk.mint())


async def test_an_assertion_for_someone_else_is_refused(oidc: Oidc):
    places = {"token_endpoint": f"{oidc.url}/token", "revocation_endpoint": f"{oidc.url}/token/revocation"}
    desk = oidc.desk("keyed", **KEYED, **places)

    assert (await desk.mint()).amiss == ""
    with pytest.raises(Refused, match="invalid_client"):
        await desk.mint(config={**desk.config, "issuer": "https://someone-else.example"})


async def test_a_key_that_is_none_or_of_another_kind_is_refused_before_anything_is_sent(oidc: Oidc):
    desk = oidc.desk("keyed", **KEYED)
    for key, algorithm in ((Secret(CANARY), "ES256"), (Secret(b"\xff"), "RS256"), (Secret(oidc.key), "RS256"), (Secret(oidc.key), "EdDSA")):
        with pytest.raises(Refused, match="bad_key") as refused:
            await desk.provider.mint(desk.order(config={**desk.config, "algorithm": algorithm}), {"secret": key})
        assert CANARY not in told(refused.value)


async def test_where_the_servers_time_is_shorter_than_the_lent_one_it_counts(oidc: Oidc):
    desk = oidc.desk("brief")
    order = desk.order()

    minted = await desk.provider.mint(order, desk.root)

    assert minted.expires_at < order.expires_at
