"""What jwt_bearer signs, claim by claim, and what becomes of a server's answers to it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from counterfoil.wire.secret import Secret
from services.providers.calls import more
from services.providers.oauth.bearer import GRANT, claims, subject
from services.providers.oauth.config import Config
from services.providers.seam import Borrower, Minted, ProviderError, Refused, Unknown, read, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.providers.liar import Liar, Says, lying

RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
BEARER: dict[str, Any] = {"grant": "jwt_bearer"}
SPLIT = "{project}/{environment}"


def pem(key: Any) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


def desk(liar: Liar, **config: Any) -> Desk:
    made = liar.desk(**BEARER, **config)
    return Desk(made.provider, made.config, {"secret": Secret("s3cret"), "key": pem(RSA)}, made.scopes, made.away)


def config(**changes: Any) -> Config:
    return read(Config, {"issuer": "https://as.example", "client_id": "us", **BEARER, **changes}, "config")


def shown(liar: Liar, key: Any = RSA, algorithm: str = "RS256", audience: str = "") -> dict[str, Any]:
    (asked,) = liar.at("/token")
    assert asked.form["grant_type"] == [GRANT]
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    found: dict[str, Any] = jwt.decode(asked.form["assertion"][0], public, [algorithm], audience=audience or liar.url)
    return found


async def test_it_is_signed_for_this_server_and_ends_with_the_call(liar: Liar):
    made = desk(liar)
    before, closes = int(datetime.now(UTC).timestamp()), datetime.now(UTC) + timedelta(seconds=3)
    await made.provider.mint(made.order(window_closes_at=closes), made.root)

    found = shown(liar)
    assert (found["iss"], found["sub"], found["exp"]) == ("us", "us", int(closes.timestamp()))
    assert before <= found["iat"] < found["exp"] <= closes.timestamp()
    assert len(found["jti"]) >= 24
    assert set(found) == {"iss", "sub", "aud", "exp", "iat", "jti"}
    asked = liar.at("/token")[0]
    assert asked.form["scope"] == ["read write"]
    assert asked.headers["authorization"].startswith("Basic ")


async def test_none_is_shown_twice_and_none_proves_the_client(liar: Liar):
    made = desk(liar)
    await made.mint()
    await made.mint()

    first, second = (one.form["assertion"][0] for one in liar.at("/token"))
    assert jwt.decode(first, options={"verify_signature": False})["jti"] != jwt.decode(second, options={"verify_signature": False})["jti"]
    assert all("client_assertion" not in one.form for one in liar.asked)


async def test_the_entry_says_whose_it_is_and_for_whom(liar: Liar):
    made = desk(liar, assertion_issuer="https://own.example", subject=SPLIT, assertion_audience="token_endpoint", key_id="k7",
                resource="https://api.example", audience="api")  # fmt: skip
    await made.mint()

    found = shown(liar, audience=f"{liar.url}/token")
    assert (found["iss"], found["sub"]) == ("https://own.example", "web/production")
    form = liar.at("/token")[0].form
    assert jwt.get_unverified_header(form["assertion"][0])["kid"] == "k7"
    assert (form["resource"], form["audience"]) == (["https://api.example"], ["api"])


async def test_one_key_proves_the_client_and_signs_where_there_is_no_other(liar: Liar):
    made = liar.desk(**BEARER, auth="private_key_jwt", algorithm="ES256")
    minted = await made.provider.mint(made.order(), {"secret": pem(EC)})
    await made.provider.revoke(minted.handle, made.config, {"secret": pem(EC)}, token_of(minted))

    shown(liar, EC, "ES256")
    assert [("assertion" in one.form, "client_assertion" in one.form) for one in liar.asked[1:]] == [(True, True), (False, True), (False, True)]
    form = liar.at("/token")[0].form
    assert form["assertion"] != form["client_assertion"]


async def test_a_client_that_proves_itself_by_nothing_else_only_names_itself(liar: Liar):
    made = liar.desk(**BEARER, auth="none")
    minted = await made.provider.mint(made.order(), {"secret": pem(RSA)})
    await made.provider.revoke(minted.handle, made.config, {"secret": pem(RSA)}, token_of(minted))

    for asked in liar.asked[1:]:
        assert asked.form["client_id"] == ["us"]
        assert "authorization" not in asked.headers
        assert "client_assertion" not in asked.form


def test_who_proves_nothing_gets_nothing_by_client_credentials():
    with pytest.raises(Refused, match="config"):
        config(grant="client_credentials", auth="none")


@pytest.mark.parametrize("key", [Secret("s3cret"), pem(EC)], ids=["none", "of another kind"])
async def test_a_key_that_does_not_fit_signs_nothing(liar: Liar, key: Secret):
    made = desk(liar)
    with pytest.raises(Refused, match="bad_key"):
        await made.provider.mint(made.order(), {"secret": Secret("s3cret"), "key": key})
    assert liar.at("/token") == []


def test_what_comes_too_late_is_not_signed():
    order, now = Desk.order(Liar().desk()), datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    late = {"window_closes_at": now + timedelta(milliseconds=900)}

    with pytest.raises(Refused, match="window_closed"):
        claims(config(), Liar().desk().order(**late), now)
    assert claims(config(), order, now)["iat"] == int(now.timestamp())


NAMES = [
    (None, "web", "production", "us"),
    ("svc", "web", "production", "svc"),
    ("{project}", "a/b", "production", "a/b"),
    (SPLIT, "web", "production", "web/production"),
    ("x-{environment}::{project}-y", "web-1", "prod", "x-prod::web-1-y"),
]


@pytest.mark.parametrize(("template", "project", "environment", "said"), NAMES)
def test_the_subject_is_the_borrowers_where_the_entry_says_so(template: str | None, project: str, environment: str, said: str):
    assert subject(config(subject=template), Borrower("5b" * 32, project, environment)) == said


@pytest.mark.parametrize(
    ("template", "project", "environment"),
    [(SPLIT, "a/b", "c"), (SPLIT, "a", "b/c"), ("{project}--{environment}", "a-", "b"), ("{project}{environment}", "a", "b")],
)
def test_no_two_borrowers_become_one_subject(template: str, project: str, environment: str):
    with pytest.raises(Refused, match="ambiguous_subject"):
        subject(config(subject=template), Borrower("5b" * 32, project, environment))


@pytest.mark.parametrize("template", ["{subject}", "{project", "}", "", "a\nb", "é"])
def test_a_subject_names_project_and_environment_and_nothing_else(template: str):
    with pytest.raises(Refused, match="config"):
        config(subject=template)


ANSWERS = [
    (Says({"error": "invalid_grant", "error_description": CANARY}, 400), Refused, "invalid_grant"),
    (Says({"error": "unsupported_grant_type"}, 400), Refused, "unsupported_grant_type"),
    (Says({"error": "unauthorized_client"}, 400), Refused, "unauthorized_client"),
    (Says(cut=True), Unknown, "unreachable"),
    (Says({"token": CANARY}), Unknown, "no_token"),
]


@pytest.mark.parametrize(("says", "kind", "code"), ANSWERS)
async def test_what_a_no_or_no_answer_means(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    liar.set("/token", says)

    with pytest.raises(ProviderError) as caught:
        await desk(liar).mint()

    assert (type(caught.value), caught.value.code) == (kind, code)
    (asked,) = liar.at("/token")  # never blindly again
    assert not [one for one in (CANARY, "s3cret", asked.form["assertion"][0]) if one in told(caught.value)]


@pytest.mark.parametrize(("changes", "amiss"), [({"scope": "read write admin"}, False), ({"scope": None}, True), ({"expires_in": None}, True)])
async def test_its_answer_is_looked_at_like_any_other(liar: Liar, changes: dict[str, Any], amiss: bool):
    liar.set("/token", liar.gives(**changes))
    made = desk(liar)
    order = made.order()

    minted: Minted = await made.provider.mint(order, made.root)

    assert (bool(minted.amiss), more(order, minted)) == (amiss, not amiss)
