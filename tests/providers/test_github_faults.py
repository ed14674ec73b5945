"""What every fault of GitHub becomes, against a server that answers as it is told; and that its own words go nowhere."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.wire.secret import Secret
from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown
from tests.providers.desk import CANARY, told
from tests.providers.github_liar import KEY, MINT, desk, gives, said
from tests.providers.liar import Liar, Says, lying


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


async def no(liar: Liar, *says: Says, **order: Any) -> ProviderError:
    """What the fault becomes. The server's words hold a canary wherever it can speak."""
    if says:
        liar.set(MINT, *says)
    with pytest.raises(ProviderError) as caught:
        await desk(liar).mint(**order)
    assert CANARY not in told(caught.value)
    assert KEY.text() not in told(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (said(401), RootRefused, "app_refused"),
        (said(403), Refused, "forbidden"),
        (said(404), Refused, "not_installed"),
        (said(422), Refused, "not_granted"),
        (said(400), Refused, "said_no"),
        (said(301, Location=f"https://{CANARY}.example/"), Refused, "said_no"),
        (said(307, Location=f"https://{CANARY}.example/"), Refused, "said_no"),
        (said(429), Unavailable, "rate_limited"),
        (said(403, Retry_After="7"), Unavailable, "rate_limited"),
        (said(403, X_RateLimit_Remaining="0"), Unavailable, "rate_limited"),
        (said(403, X_RateLimit_Remaining="12"), Refused, "forbidden"),
        (said(503, Retry_After="7"), Unavailable, "busy"),
        (said(503), Unknown, "no_token"),
        (said(500), Unknown, "no_token"),
        (said(502), Unknown, "no_token"),
        (Says(CANARY.encode(), 201), Unknown, "no_token"),
        (Says([CANARY], 201), Unknown, "no_token"),
        (gives(token=None), Unknown, "no_token"),
        (gives(token=""), Unknown, "no_token"),
        (gives(token=7), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
        (Says(CANARY.encode(), 201, {"Content-Encoding": "gzip"}), Unknown, "encoded"),
        (Says(b'{"token": "' + b"x" * 8 * 1024 * 1024 + b'"}', 201), Unknown, "too_large"),
    ],
)
async def test_a_no_is_final_or_surely_nothing_or_not_known(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    found = await no(liar, says)

    assert (type(found), found.code) == (kind, code)
    assert len(liar.at(MINT)) == len(liar.asked) == 1


async def test_an_answer_that_does_not_come_in_the_window_may_have_been_a_token(liar: Liar):
    liar.set(MINT, gives(), replace(gives(), pause=20))
    made = desk(liar)
    await made.mint()  # the key is read now

    with pytest.raises(Unknown) as found:
        await made.mint(window_closes_at=datetime.now(UTC) + timedelta(seconds=1))

    assert found.value.code == "timeout"


@pytest.mark.parametrize(
    ("says", "wait"),
    [
        (said(429, Retry_After="7"), 7),
        (said(403, Retry_After="7"), 7),
        (said(503, Retry_After="7"), 7),
        (said(429), 60),
        (said(403, X_RateLimit_Remaining="0", X_RateLimit_Reset=CANARY), 60),
        (said(403, X_RateLimit_Remaining="0", X_RateLimit_Reset="0"), 1),
    ],
)
async def test_a_limit_says_how_long_to_keep_still_and_is_kept(liar: Liar, says: Says, wait: int):
    liar.set(MINT, says)
    made = desk(liar)

    with pytest.raises(Unavailable) as first:
        await made.mint()
    with pytest.raises(Unavailable) as second:
        await made.mint()

    assert first.value.retry_after == timedelta(seconds=wait)
    assert second.value.retry_after is not None
    assert second.value.retry_after <= timedelta(seconds=wait)
    assert len(liar.asked) == 1


async def test_a_limit_until_a_time_is_kept_until_then(liar: Liar):
    found = await no(liar, said(403, X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(datetime.now(UTC).timestamp()) + 90)))

    assert found.retry_after is not None
    assert timedelta(seconds=80) < found.retry_after <= timedelta(seconds=90)


async def test_another_installation_is_not_held_up_by_it(liar: Liar):
    liar.set(MINT, said(429))
    liar.set("/app/installations/8/access_tokens", gives())
    made = desk(liar)

    with pytest.raises(Unavailable):
        await made.mint()
    await made.mint(config={**made.config, "installation_id": 8})


def weak() -> str:
    """RSA of 1024 bits: GitHub gives none, and it could be broken."""
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - what has to be refused
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def elliptic() -> str:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("key", [CANARY, "-----BEGIN RSA PRIVATE KEY-----\n" + CANARY + "\n-----END RSA PRIVATE KEY-----", "", weak(), elliptic()])
async def test_what_is_no_key_is_refused_before_anything_is_sent(liar: Liar, key: str):
    made = desk(liar)
    with pytest.raises(Refused) as caught:
        await made.provider.mint(made.order(), {"private_key": Secret(key)})

    assert caught.value.code == "bad_key"
    assert CANARY not in told(caught.value)
    assert liar.asked == []
