"""Signature Version 4, against the signer of AWS's own SDK."""

from datetime import UTC, datetime

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.client.ambient.sigv4 import Keys, signed
from counterfoil.wire.secret import Secret

KEY = st.text("abcdefABCDEF0123456789/+", min_size=1, max_size=40)


def botocores(url: str, body: bytes, keys: Keys, region: str, service: str, moment: str) -> str:
    """Botocore's own steps, at this moment instead of now."""
    session = keys.session.text() if keys.session else None
    signer = SigV4Auth(Credentials(keys.access, keys.secret.text(), session), service, region)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "X-Amz-Date": moment}
    request = AWSRequest("POST", url, headers | ({"X-Amz-Security-Token": session} if session else {}), body)
    request.context["timestamp"] = moment
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    names = signer.signed_headers(signer.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signer.signature(to_sign, request)}"


@given(
    access=KEY, secret=KEY, session=st.none() | KEY, body=st.binary(max_size=200), region=st.sampled_from(["eu-central-1", "cn-north-1"]),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 hypothesis adds the zone
    url=st.sampled_from(["https://sts.eu-central-1.amazonaws.com/", "http://127.0.0.1:8080/", "https://sts.cn-north-1.amazonaws.com.cn/"]),
)  # fmt: skip
def test_it_is_signed_as_botocore_signs_it(access: str, secret: str, session: str | None, body: bytes, region: str, now: datetime, url: str):
    keys = Keys(access, Secret(secret), Secret(session) if session else None)
    headers = signed(url, body, keys, region, "sts", now)

    assert headers["authorization"] == botocores(url, body, keys, region, "sts", headers["x-amz-date"])
    assert headers["host"] == url.split("/")[2]
