"""AWS, on an STS and IAM that are written by their documentation: a session is narrowed by its policy, and denied by its name."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from counterfoil.wire.secret import Secret
from services.providers import shelf
from services.providers.aws.signing import Signer
from services.providers.seam import Minted, ProviderError, Refused, RootRefused, Unavailable, Unknown, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.providers.liar import Liar, Says
from tests.support.aws import KEY, KEY_ID, ROLE, Cloud

ONE = UUID("8f14e45f-ceea-467f-a1e6-5c5d1a4c2b10")
READ, THERE = "s3:GetObject", "arn:aws:s3:::acme/reports/*"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    return desk_of(request.getfixturevalue("cloud").url)


def desk_of(url: str, **changes: Any) -> Desk:
    config = {"role_arn": ROLE, "access_key_id": KEY_ID, "sts": url, "iam": url, "network": "this_machine", **changes}
    away = {**config, "sts": "http://127.0.0.1:1/", "iam": "http://127.0.0.1:1/"}
    wish = ({"type": "aws", "resources": [THERE]},)
    return Desk(shelf.provider("aws"), config, {"secret_access_key": Secret(KEY)}, frozenset({READ}), away=away, details=wish)


def text(minted: Minted) -> str:
    return token_of(minted).text()


@pytest.mark.parametrize(
    ("method", "headers", "body", "signature"),
    [
        ("GET", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", FORM, b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ],
)
def test_awss_published_vectors_are_signed_as_published(method: str, headers: dict[str, str], body: bytes, signature: str):
    """get-vanilla and post-x-www-form-urlencoded of its Signature Version 4 test suite."""
    signer = Signer(KEY_ID, Secret(KEY), "us-east-1", "service")

    made = signer.headers(method, "https://example.amazonaws.com/", headers, body, datetime(2015, 8, 30, 12, 36, tzinfo=UTC))

    assert made["Authorization"].endswith(f"Signature={signature}")
    assert KEY not in repr(signer)


@pytest.mark.parametrize("xml", [True, False])
async def test_a_session_does_what_was_asked_of_what_its_role_may_until_it_is_denied(cloud: Cloud, xml: bool):
    cloud.xml = xml
    desk = desk_of(cloud.url)
    minted, other = await desk.mint(credential_id=ONE), await desk.mint()
    assert minted.amiss == ""
    assert cloud.may(text(minted), READ, "arn:aws:s3:::acme/reports/1")
    assert not cloud.may(text(minted), "s3:PutObject", "arn:aws:s3:::acme/reports/1")
    assert not cloud.may(text(minted), READ, "arn:aws:s3:::acme/salaries/1")

    await desk.revoke(minted)

    assert not cloud.may(text(minted), READ, "arn:aws:s3:::acme/reports/1")
    assert cloud.may(text(other), READ, "arn:aws:s3:::acme/reports/1")


async def test_what_the_role_may_not_no_wish_can_get(cloud: Cloud):
    token = text(await desk_of(cloud.url).mint(details=({"type": "aws", "resources": ["*"]},)))

    assert not cloud.may(token, READ, "arn:aws:s3:::globex/1")


async def test_a_session_whose_answer_was_lost_is_denied_by_its_name_alone(cloud: Cloud):
    desk = desk_of(cloud.url)
    lost = await desk.mint(credential_id=ONE)

    await desk.provider.revoke(desk.provider.handle(ONE) or {}, desk.config, desk.root, None)

    assert not cloud.may(text(lost), READ, "arn:aws:s3:::acme/reports/1")


async def test_its_name_is_the_credentials_and_its_parts_are_what_an_sdk_reads(cloud: Cloud):
    minted = await desk_of(cloud.url, source_identity="credential", external_id="ours-1").mint(credential_id=ONE)

    (form,) = cloud.asked
    assert (form["RoleSessionName"], form["SourceIdentity"], form["ExternalId"]) == (str(ONE), str(ONE), "ours-1")
    assert minted.amiss == ""
    parts = json.loads(minted.secret.reveal())["credential"]
    assert parts == {"access_key_id": "ASIAEXAMPLE", "secret_access_key": "s3cr3t/+", "session_token": text(minted), "region": "us-east-1"}
    assert not {"s3cr3t/+", text(minted)} & set(map(str, minted.handle.values()))


async def test_denials_of_what_is_over_are_swept_and_others_stay(cloud: Cloud):
    desk = desk_of(cloud.url)
    minted = await desk.mint()
    await desk.revoke(minted)
    kept = {*cloud.policies, "somebodys-own"}
    cloud.policies |= {f"counterfoil-2026010100-{uuid4()}": {}, "somebodys-own": {}}

    assert await desk.provider.sweep(desk.config, desk.root) == 1
    assert set(cloud.policies) == kept


async def test_a_role_without_room_is_not_called_revoked(cloud: Cloud):
    desk = desk_of(cloud.url)
    cloud.policies["full"] = {"Sid": "x" * 10200}

    with pytest.raises(Unavailable) as full:
        await desk.provider.revoke({"session": str(ONE)}, desk.config, desk.root, None)

    assert full.value.code == "no_room"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": frozenset()}, "no_action"),
        ({"scopes": frozenset({"*"})}, "no_action"),
        ({"scopes": frozenset({'s3:Get","x'})}, "no_action"),
        ({"details": ()}, "no_resource"),
        ({"details": ({"type": "aws", "resources": []},)}, "detail"),
        ({"details": ({"type": "aws", "resources": ["bucket"]},)}, "detail"),
        ({"details": ({"type": "aws", "resources": [f"arn:aws:s3:::{'x' * 900}{n}" for n in range(3)]},)}, "too_much"),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "too_short"),
    ],
)
async def test_what_cannot_be_is_refused_before_aws_is_asked(cloud: Cloud, changes: dict[str, Any], code: str):
    with pytest.raises(Refused) as refused:
        await desk_of(cloud.url).mint(**changes)

    assert refused.value.code == code
    assert cloud.asked == []


async def test_longer_than_the_role_allows_is_refused(cloud: Cloud):
    with pytest.raises(Refused) as refused:
        await desk_of(cloud.url).mint(expires_at=datetime.now(UTC) + timedelta(hours=2))

    assert refused.value.code == "not_granted"


def gives(status: int = 200, size: Any = 6, who: dict[str, Any] | None = None, identity: str | None = None, **credentials: Any) -> Says:
    usual = {"AccessKeyId": "ASIA", "SecretAccessKey": CANARY, "SessionToken": f"t-{CANARY}", "Expiration": (datetime.now(UTC).timestamp() + 900)}
    named = {"AssumedRoleId": f"AROA1:{ONE}", "Arn": f"arn:aws:sts::123456789012:assumed-role/lent/{ONE}"}
    result = {"Credentials": usual | credentials, "AssumedRoleUser": named | (who or {}), "PackedPolicySize": size, "SourceIdentity": identity}
    return Says({"AssumeRoleResponse": {"AssumeRoleResult": result}}, status)


@pytest.mark.parametrize(
    "lie",
    [
        {"size": None},
        {"who": {"Arn": f"arn:aws:sts::123456789012:assumed-role/admin/{ONE}"}},
        {"who": {"Arn": f"arn:aws:sts::999999999999:assumed-role/lent/{ONE}"}},
        {"who": {"AssumedRoleId": "AROA1:other"}},
        {"who": {"AssumedRoleId": None}},
        {"Expiration": None},
        {"Expiration": CANARY},
        {"Expiration": 4e9},
        {"Expiration": 1e300},
        {"Expiration": True},
        {"SecretAccessKey": None},
        {"SessionToken": "two words"},
        {"status": 500},
    ],
)
async def test_what_is_amiss_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    liar.set("/", gives(**lie))

    minted = await desk_of(f"{liar.url}/").mint(credential_id=ONE)

    assert minted.amiss
    assert CANARY not in minted.amiss


async def test_an_answer_as_cephs_gateway_writes_it_is_read(liar: Liar):
    """Recorded from RGW 16.2.15: no outer half, its own spelling of the id, no account, nine digits of a second."""
    who = {"Arn": f"arn:aws:sts:::assumed-role/lent/{ONE}", "AssumeRoleId": f"77c6b36a-f4b4-4de4-ae42-2d1e44ee442a:{ONE}"}
    ends = (datetime.now(UTC) + timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%S.479816374Z")
    given = {"AccessKeyId": "5IxL", "Expiration": ends, "SecretAccessKey": "6FSU", "SessionToken": "NHON"}
    liar.set("/", Says({"AssumeRoleResult": {"Credentials": given, "AssumedRoleUser": who, "PackedPolicySize": 0}}))

    minted = await desk_of(f"{liar.url}/", role_arn="arn:aws:iam:::role/lent").mint(credential_id=ONE)

    assert (minted.amiss, text(minted)) == ("", "NHON")


def error(code: str, status: int, **headers: str) -> Says:
    return Says({"Error": {"Code": code, "Message": CANARY}}, status, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (error("AccessDenied", 403), Refused, "forbidden"),
        (error("AccessDenied", 200), Refused, "forbidden"),
        (error("InvalidClientTokenId", 403), RootRefused, "root_refused"),
        (error("PackedPolicyTooLarge", 400), Refused, "too_much"),
        (error(CANARY, 400), Refused, "said_no"),
        (error("Throttling", 400), Unavailable, "busy"),
        (error("", 429, Retry_After="7"), Unavailable, "busy"),
        (error("InternalFailure", 500), Unknown, "no_token"),
        (Says(b"", 302, {"Location": "/"}), Refused, "said_no"),
        (Says(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), Unknown, "no_token"),
        (Says(b"<a><b></a>"), Unknown, "no_token"),
        (Says(b"<a>" * 9000 + b"</a>" * 9000), Unknown, "no_token"),
        (gives(SessionToken=7), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
        (Says(b"<a>" + b"x" * 300_000), Unknown, "too_large"),
    ],
)
async def test_a_no_is_final_or_surely_nothing_or_not_known(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    liar.set("/", says)

    with pytest.raises(ProviderError) as caught:
        await desk_of(f"{liar.url}/").mint(credential_id=ONE)

    assert (type(caught.value), caught.value.code) == (kind, code)
    assert KEY not in told(caught.value)
    assert CANARY not in told(caught.value)


@pytest.mark.parametrize("put", [error("AccessDenied", 403), error("Throttling", 400), Says(status=500), error("AccessDenied", 200)])
async def test_what_iam_does_not_take_is_not_revoked(liar: Liar, put: Says):
    liar.set("/", put)
    made = desk_of(f"{liar.url}/")

    with pytest.raises(Unavailable) as caught:
        await made.provider.revoke({"session": str(ONE)}, made.config, made.root, None)

    assert caught.value.code == "not_revoked"


async def test_a_root_key_that_is_not_taken_is_told_apart_for_another_may_end_it(liar: Liar):
    liar.set("/", error("SignatureDoesNotMatch", 403))
    made = desk_of(f"{liar.url}/")

    with pytest.raises(RootRefused) as caught:
        await made.provider.revoke({"session": str(ONE)}, made.config, made.root, None)

    assert caught.value.code == "not_revoked"


@pytest.mark.parametrize(("document", "code"), [(None, "not_proven"), ("%7B%7D", "not_proven"), (f"%22%2A%3A{ONE}%22", None)])
async def test_what_iam_does_not_show_afterwards_is_not_proven(liar: Liar, document: str | None, code: str | None):
    shown = {"PolicyName": f"counterfoil-2999010100-{ONE}", "PolicyDocument": document}
    says = Says({"GetRolePolicyResponse": {"GetRolePolicyResult": shown}}) if document else error("NoSuchEntity", 404)
    liar.set("/", Says({"PutRolePolicyResponse": {}}), says)
    made = desk_of(f"{liar.url}/")
    ending = made.provider.revoke({"session": str(ONE), "until": "2999-01-01T00:00:00+00:00"}, made.config, made.root, None)

    with nullcontext() if code is None else pytest.raises(Unavailable, match=code):
        await ending
