"""What a server may answer who is asked for a code to type in (RFC 8628), and what of it a person is shown."""

from datetime import timedelta
from typing import Any

import pytest

from services.providers import shelf
from services.providers.device_codes import Devices, Waiting
from services.providers.oauth import device
from services.providers.oauth.config import Config
from services.providers.oauth.metadata import Places
from services.providers.seam import Refused
from services.providers.web.talk import Heard
from tests.providers.desk import CANARY, told
from tests.support.oidc import Oidc

GOOD = {"device_code": CANARY, "user_code": "WDJB-MJHT", "verification_uri": "https://as.example/device", "expires_in": 900}


def test_what_is_shown_is_what_the_server_said_within_bounds():
    found = device.read(
        Heard(200, GOOD | {"interval": 0.1, "expires_in": 10**9, "verification_uri_complete": "https://as.example/d?c=W"}), plain=False
    )

    assert (found.user_code, found.url, found.complete) == ("WDJB-MJHT", "https://as.example/device", "https://as.example/d?c=W")
    assert (found.pace, found.lives) == (timedelta(seconds=1), timedelta(minutes=30))
    assert CANARY not in repr(found)
    assert device.read(Heard(200, GOOD), plain=False).pace == timedelta(seconds=5)


@pytest.mark.parametrize(
    "bad",
    [
        {"device_code": ""}, {"device_code": 7}, {"user_code": None}, {"user_code": "x" * 65}, {"user_code": "a\nb"},
        {"expires_in": 0}, {"expires_in": "x"},
        *({"verification_uri": url} for url in ("javascript:alert(1)", "http://as.example/device", "data:text/html,x", "//a", "https://a b", 7)),
    ],
)  # fmt: skip
def test_what_a_person_cannot_be_shown_is_refused_and_not_quoted(bad: dict[str, Any]):
    with pytest.raises(Refused) as refused:
        device.read(Heard(200, GOOD | bad), plain=False)

    assert CANARY not in told(refused.value)


def test_a_link_with_the_code_in_it_that_is_no_page_is_left_out():
    assert device.read(Heard(200, GOOD | {"verification_uri_complete": "javascript:alert(1)"}), plain=False).complete is None


def test_without_such_an_endpoint_people_cannot_be_asked_so():
    config = Config(issuer="https://as.example", client_id="us", people=True, people_by="device")

    with pytest.raises(Refused, match="no_device_endpoint"):
        device.place(config, Places("https://as.example/token", None, None))


async def test_a_real_server_gives_a_code_and_says_that_they_have_not_answered(oidc: Oidc):
    provider, desk = shelf.provider("oauth2"), oidc.desk("device", people=True, people_by="device")
    assert isinstance(provider, Devices)

    found = await provider.begin(frozenset({"read"}), desk.config, desk.root)

    assert found.url.startswith(oidc.url)
    assert found.user_code in (found.complete or "")
    with pytest.raises(Waiting):
        await provider.poll(found.code, frozenset({"read"}), desk.config, desk.root)
    await provider.close()


async def test_who_is_asked_by_redirect_gets_no_code(oidc: Oidc):
    provider, desk = shelf.provider("oauth2"), oidc.desk("device", people=True)
    assert isinstance(provider, Devices)

    with pytest.raises(Refused, match="no_device_endpoint"):
        await provider.begin(frozenset({"read"}), desk.config, desk.root)
