"""How our client proves itself, as a server sees it."""

import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote_plus

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from counterfoil.wire.secret import Secret
from services.providers.seam import Refused, token_of
from tests.providers.liar import Liar, Says, lying

RSA = rsa.generate_private_key(65537, 2048)
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the fault
KEYS: dict[str, Any] = {"RS256": RSA, "PS256": RSA, "ES256": ec.generate_private_key(ec.SECP256R1()), "EdDSA": ed25519.Ed25519PrivateKey.generate()}


def pem(key: Any) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


async def through(liar: Liar, secret: Secret, **config: Any) -> None:
    """Minted, and revoked."""
    desk, root = liar.desk(**config), {"secret": secret}
    minted = await desk.provider.mint(desk.order(), root)
    await desk.provider.revoke(minted.handle, desk.config, root, token_of(minted))


async def test_name_and_secret_are_encoded_before_they_are_joined(liar: Liar):
    await through(liar, Secret("a:b+c d%é"), client_id="us:me")

    for asked in (*liar.at("/token"), *liar.at("/revoke"), *liar.at("/introspect")):
        kind, _, pair = asked.headers["authorization"].partition(" ")
        name, _, secret = base64.b64decode(pair).decode().partition(":")
        assert (kind, unquote_plus(name), unquote_plus(secret)) == ("Basic", "us:me", "a:b+c d%é")
        assert "client_secret" not in asked.form
        assert "client_id" not in asked.form


async def test_in_the_body_they_stand_nowhere_else(liar: Liar):
    await through(liar, Secret("s3 cret"), auth="client_secret_post")

    for asked in liar.asked[1:]:
        assert (asked.form["client_id"], asked.form["client_secret"]) == (["us"], ["s3 cret"])
        assert "authorization" not in asked.headers


@pytest.mark.parametrize("algorithm", KEYS)
async def test_each_assertion_is_for_this_server_good_for_a_minute_and_used_once(liar: Liar, algorithm: str):
    key = KEYS[algorithm]
    await through(liar, pem(key), auth="private_key_jwt", algorithm=algorithm, key_id="k7")

    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    asked = liar.asked[1:]
    claims = [jwt.decode(one.form["client_assertion"][0], public, [algorithm], audience=liar.url) for one in asked]
    assert [one.path for one in asked] == ["/token", "/revoke", "/introspect"]
    assert len({one["jti"] for one in claims}) == 3
    assert all((one["iss"], one["sub"]) == ("us", "us") and 0 < one["exp"] - one["iat"] <= 60 for one in claims)
    assert jwt.get_unverified_header(asked[0].form["client_assertion"][0])["kid"] == "k7"
    assert not any("client_secret" in one.form for one in asked)


async def test_the_audience_is_the_token_endpoint_where_the_entry_says_so(liar: Liar):
    await through(liar, pem(RSA), auth="private_key_jwt", assertion_audience="token_endpoint")

    signed = [one.form["client_assertion"][0] for one in liar.asked[1:]]
    assert {jwt.decode(one, options={"verify_signature": False})["aud"] for one in signed} == {f"{liar.url}/token"}


@pytest.mark.parametrize("key", [SHORT, ec.generate_private_key(ec.SECP256R1())], ids=["short", "of another kind"])
async def test_a_key_that_does_not_fit_signs_nothing(liar: Liar, key: Any):
    with pytest.raises(Refused, match="bad_key"):
        await through(liar, pem(key), auth="private_key_jwt")
    assert liar.at("/token") == []


async def test_patience_is_asked_for_by_a_no_alone(liar: Liar):
    liar.set("/token", Says(liar.gives().body, headers={"Retry-After": "30"}))
    desk = liar.desk()

    await desk.mint()
    await desk.mint()
