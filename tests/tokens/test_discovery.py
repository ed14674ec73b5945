"""What an issuer may say of itself, and what becomes of a fetch that goes wrong."""

import pytest

from counterfoil.contracts.registry import Issuer
from counterfoil_server.runtime.tokens.jwks import Jwks, Unavailable
from tests.tokens.canned import KEYS, WELL_KNOWN, Canned, configuration
from tests.tokens.forge import ISSUER, entry, jwk


async def asked(http: Canned, issuer: Issuer | None = None) -> list[str]:
    await Jwks(http).keys(issuer or entry(), None)
    return http.asked


async def test_keys_lie_where_the_discovery_document_says():
    http = Canned().say(WELL_KNOWN, configuration(jwks_uri=f"{ISSUER}/deep/keys?v=2")).say(f"{ISSUER}/deep/keys?v=2", KEYS)
    assert await asked(http) == [WELL_KNOWN, f"{ISSUER}/deep/keys?v=2"]


@pytest.mark.parametrize(
    ("issuer", "where"),
    [
        (f"{ISSUER}/", WELL_KNOWN),
        (f"{ISSUER}/realms/acme", f"{ISSUER}/realms/acme/.well-known/openid-configuration"),
        (f"{ISSUER}/realms/acme/", f"{ISSUER}/realms/acme/.well-known/openid-configuration"),
    ],
)
async def test_an_issuer_with_a_path_has_its_document_below_it(issuer: str, where: str):
    http = Canned().say(where, configuration(issuer)).say(f"{ISSUER}/jwks", KEYS)
    assert (await asked(http, entry(issuer=issuer)))[0] == where


@pytest.mark.parametrize("issuer", [ISSUER + "/", ISSUER.upper(), "https://attacker.example", None, 5, [ISSUER]], ids=repr)
async def test_a_document_of_another_issuer_is_not_believed(issuer: str):
    http = Canned().say(WELL_KNOWN, configuration(issuer)).say(f"{ISSUER}/jwks", KEYS)
    with pytest.raises(Unavailable, match="another issuer"):
        await asked(http)


ELSEWHERE = [
    "https://attacker.example/jwks",
    "https://issuer.example.attacker.example/jwks",
    "https://issuer.example@attacker.example/jwks",
    "https://issuer.example:8443/jwks",
    "http://issuer.example/jwks",
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "//attacker.example/jwks",
    "/jwks",
    "",
    None,
    7,
    [f"{ISSUER}/jwks"],
]


@pytest.mark.parametrize("uri", ELSEWHERE, ids=repr)
async def test_keys_beyond_the_issuer_s_origin_are_not_fetched(uri: object):
    http = Canned().say(WELL_KNOWN, configuration(jwks_uri=uri)).say(str(uri), KEYS)
    with pytest.raises(Unavailable, match="origin"):
        await asked(http)
    assert http.asked == [WELL_KNOWN]


@pytest.mark.parametrize("uri", ["https://issuer.example:443/jwks", "https://ISSUER.example/jwks"])
async def test_an_origin_may_be_spelled_otherwise(uri: str):
    assert len(await asked(Canned().say(WELL_KNOWN, configuration(jwks_uri=uri)).say(uri, KEYS))) == 2


async def test_an_operator_may_pin_keys_elsewhere():
    pinned = "https://keys.example/certs"
    assert await asked(Canned().say(pinned, KEYS), entry(jwks_uri=pinned)) == [pinned]


@pytest.mark.parametrize("issuer", [f"{ISSUER}?a=1", f"{ISSUER}#a", f"{ISSUER}/?"])
async def test_an_issuer_with_a_query_or_fragment_is_not_asked(issuer: str):
    http = Canned()
    with pytest.raises(Unavailable):
        await asked(http, entry(issuer=issuer))
    assert http.asked == []


@pytest.mark.parametrize("document", [b"", b"<html>", b"[]", b'{"issuer": 1, "issuer": 2}', b"[" * 10_000, b"\xff"], ids=lambda raw: repr(raw[:10]))
async def test_a_document_that_cannot_be_read_is_unavailable(document: bytes):
    with pytest.raises(Unavailable):
        await asked(Canned().say(WELL_KNOWN, document))
    with pytest.raises(Unavailable):
        await asked(Canned().say(WELL_KNOWN, configuration()).say(f"{ISSUER}/jwks", document))


async def test_issuers_do_not_share_keys():
    other = "https://other.example"
    http = Canned().say(WELL_KNOWN, configuration()).say(f"{ISSUER}/jwks", KEYS)
    http.say(f"{other}/.well-known/openid-configuration", configuration(other, f"{other}/jwks"))
    http.say(f"{other}/jwks", {"keys": [jwk("other")]})
    jwks = Jwks(http)
    assert "rsa" in await jwks.keys(entry(), "rsa")
    assert "rsa" not in await jwks.keys(entry(issuer=other), "rsa")
