"""Where an authorization server's endpoints are: found, compared, pinned, and asked for once."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.providers.oauth.config import Config
from services.providers.oauth.metadata import well_known
from services.providers.seam import ProviderError, Refused, Unavailable
from services.providers.web.talk import patience
from tests.docs.pages import ROOT, rows
from tests.providers.liar import OIDC, RFC8414, Liar, Says, lying

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


async def fault(liar: Liar, kind: type[ProviderError], window: float = 20, **config: Any) -> str:
    with pytest.raises(ProviderError) as caught:
        await liar.desk(**config).mint(window_closes_at=datetime.now(UTC) + timedelta(seconds=window))
    assert type(caught.value) is kind
    assert liar.at("/token") == []
    return caught.value.code


@pytest.mark.parametrize(
    ("issuer", "first", "second"),
    [
        ("https://a.example", f"https://a.example{RFC8414}", f"https://a.example{OIDC}"),
        ("https://a.example/", f"https://a.example{RFC8414}", f"https://a.example{OIDC}"),
        ("https://a.example/one/two", f"https://a.example{RFC8414}/one/two", f"https://a.example/one/two{OIDC}"),
        ("https://a.example:8443/one/", f"https://a.example:8443{RFC8414}/one", f"https://a.example:8443/one{OIDC}"),
    ],
)
def test_the_path_goes_between_host_and_issuer_path_and_by_openid_connect_behind(issuer: str, first: str, second: str):
    assert well_known(issuer) == (first, second)


async def test_an_issuer_with_a_path_is_found_at_its_own_place(liar: Liar):
    issuer = f"{liar.url}/realms/x"
    liar.set(f"{RFC8414}/realms/x", Says(liar.metadata(issuer=issuer)))

    assert (await liar.desk(issuer=issuer).mint()).amiss == ""


@pytest.mark.parametrize("first", [Says(status=404), Says(b"<html>", kind="text/html"), Says(b"[]"), Says(status=500)])
async def test_what_has_no_metadata_of_rfc_8414_is_asked_for_that_of_openid_connect(liar: Liar, first: Says):
    liar.set(RFC8414, first)
    liar.set(OIDC, Says(liar.metadata()))

    assert (await liar.desk().mint()).amiss == ""


@pytest.mark.parametrize("said", ["/", "x", None, 7])
async def test_an_issuer_that_is_not_byte_for_byte_the_one_is_refused_and_nothing_else_tried(liar: Liar, said: Any):
    liar.set(RFC8414, Says(liar.metadata(issuer=liar.url + said if isinstance(said, str) else said)))
    liar.set(OIDC, Says(liar.metadata()))

    assert await fault(liar, Refused) == "wrong_issuer"
    assert liar.at(OIDC) == []


async def test_no_metadata_at_all_is_a_fault_of_the_config_and_a_bad_day_is_not(liar: Liar):
    liar.set(RFC8414, Says(status=404))
    assert await fault(liar, Refused) == "no_metadata"

    liar.set(RFC8414, Says(status=503))
    assert await fault(liar, Unavailable) == "no_metadata"

    liar.set(RFC8414, Says(cut=True))
    assert await fault(liar, Unavailable) == "unreachable"

    liar.set(RFC8414, Says(liar.metadata(), pause=4))
    assert await fault(liar, Unavailable, window=1) == "timeout"


@pytest.mark.parametrize("name", ["token_endpoint", "revocation_endpoint", "introspection_endpoint"])
@pytest.mark.parametrize("url", ["http://other.example/x", "https://127.0.0.1/x", "http://127.0.0.1:1/x", "//x", "http://[", ""])
async def test_metadata_leads_nowhere_but_to_the_issuers_own_host(liar: Liar, name: str, url: str):
    liar.set(RFC8414, Says(liar.metadata(**{name: url})))

    assert await fault(liar, Refused) == "foreign_host"


async def test_another_host_that_the_operator_named_may_be_named_by_the_metadata(liar: Liar):
    async with lying() as other:
        liar.set(RFC8414, Says(liar.metadata(token_endpoint=f"{other.url}/token")))

        assert (await liar.desk(hosts=[other.url.removeprefix("http://")]).mint()).amiss == ""
        assert len(other.at("/token")) == 1


async def test_metadata_without_a_token_endpoint_is_refused(liar: Liar):
    liar.set(RFC8414, Says(liar.metadata(token_endpoint=None)))

    assert await fault(liar, Refused) == "no_token_endpoint"


async def test_pinned_endpoints_ask_for_no_metadata(liar: Liar):
    pinned = {"token_endpoint": f"{liar.url}/token", "revocation_endpoint": f"{liar.url}/revoke"}

    assert (await liar.desk(issuer="http://127.0.0.1:1", **pinned).mint()).amiss == ""
    assert [one.path for one in liar.asked] == ["/token"]


@pytest.mark.parametrize("network", ["internet", "inside"])
async def test_this_machine_is_met_only_where_the_entry_says_so(liar: Liar, network: str):
    assert await fault(liar, Refused, network=network) == "not_allowed"
    assert await fault(liar, Refused, network=network, issuer=liar.url.replace("http:", "https:")) == "not_allowed"
    assert liar.asked == []


async def test_however_many_wait_for_the_metadata_it_is_asked_for_once(liar: Liar):
    liar.set(RFC8414, Says(liar.metadata(), pause=0.1))
    desk = liar.desk()

    await asyncio.gather(*(desk.mint() for _ in range(5)))

    assert len(liar.at(RFC8414)) == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("0", 0), ("99999", 900), ("Fri, 27 Nov 2026 12:00:30 GMT", 30), ("Fri, 27 Nov 2026 11:00:00 GMT", 0), ("soon", None), ("-1", None)],
)
def test_retry_after_is_seconds_or_a_date_and_never_for_long(said: str, seconds: int | None):
    assert patience(said, NOW) == (None if seconds is None else timedelta(seconds=seconds))


def test_the_how_to_has_every_member_of_the_config():
    page = (ROOT / "docs/how-to/oauth2.md").read_text()
    first_cells = {name for row in rows(page) for name in re.findall(r"`(\w+)`", row[0])}

    assert set(Config.model_fields) <= first_cells
