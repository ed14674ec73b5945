"""A person is asked for a key of theirs on a page of the gateway's, and what they paste goes sealed to mint. Mint is not here."""

import asyncio
import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
import pytest

from counterfoil.contracts.consent_returned import ConsentReturned
from counterfoil.contracts.registry import Ceiling, Connector, Link
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url
from counterfoil.wire.sealing import Opener
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.registry_rows import Put
from services.gateway import consent_bringing
from tests.gateway.bus import Keys
from tests.gateway.conftest import Town
from tests.gateway.identities import ISSUER, bearer

NAME, KEY = "static/crm", "canary-key/+=.1"
PLACE = """INSERT INTO consent_place (connector, installation, url, issuer, says_issuer, parameters, way)
VALUES ($1, 'default', 'https://crm.example/keys?a=1&b="2"', '', false, '{}', 'paste')"""


@pytest.fixture
async def crm(manned: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(consent_bringing, "PATIENCE", 0.05)
    ceiling = Ceiling(scopes=frozenset({"contacts"}), users=True)
    link = Link(connector=NAME, project="web", environments=frozenset({"production"}), ceiling=ceiling)
    actor = Actor(issuer=ISSUER, sub_hash="0" * 64, role="ops")
    await registry_rows.change(manned.db, [Put(Connector(name=NAME, config={"people": True})), Put(link)], actor, manned.asker.now())
    await manned.registry.load()
    await manned.root.execute(PLACE, NAME)
    return manned


async def asked(town: Town, **more: object) -> str:
    """The link's path."""
    given = {"connector": NAME, "user": "u-1", "scopes": ["contacts"]} | more
    made = await town.http.post("/v1/consents", json=given, headers=bearer())
    assert made.status_code == 201, made.text
    return str(urlsplit(made.json()["url"]).path)


async def opened(town: Town, path: str) -> dict[str, str]:
    """The form's hidden fields."""
    shown = await town.http.get(path)
    assert shown.status_code == 200, shown.text
    return dict(re.findall(r'<input type=hidden name=(\w+) value="([^"]*)"', shown.text))


def brought(town: Town, keys: Keys) -> list[Mapping[str, str]]:
    """What mint would open."""
    facts = [out.fact for out in town.sent if isinstance(out.fact, ConsentReturned)]
    opener = Opener([keys.mint])
    return [json.loads(opener.open(from_url(fact.box.encode()), binding.consent(fact.consent_id)).reveal()) for fact in facts]


async def mint_settles(town: Town, outcome: str, **fact: str) -> None:
    await town.root.execute("UPDATE consent SET outcome = $1, fact = $2", outcome, json.dumps(fact).encode())


async def test_the_page_says_who_asks_for_what_and_needs_no_script(crm: Town):
    shown = await crm.http.get(await asked(crm))

    assert all(word in shown.text for word in ("web (production)", NAME, "contacts", "type=password", "autocomplete=off"))
    assert "https://crm.example/keys?a=1&amp;b=&quot;2&quot;" in shown.text
    assert "<script" not in shown.text
    policy = dict(one.strip().partition(" ")[::2] for one in shown.headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["form-action"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert shown.headers["cache-control"] == "no-store"
    cookie = shown.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


async def test_a_key_is_on_the_bus_sealed_and_nowhere_else(crm: Town, keyed: tuple[object, Keys], caplog: pytest.LogCaptureFixture):
    path = await asked(crm)
    fields = await opened(crm, path)

    page = await crm.http.post(path, data=fields | {"key": f" {KEY}\r\n"})

    assert brought(crm, keyed[1]) == [{"key": KEY}]
    assert (page.status_code, "Not yet" in page.text) == (504, True)
    row = await crm.root.fetchrow("SELECT * FROM consent")
    (out,) = crm.sent
    assert not any("canary-key" in text for text in (out.bytes().decode(), repr(out), repr(dict(row)), page.text, caplog.text, str(page.headers)))
    assert isinstance(out.fact, ConsentReturned)
    assert out.fact.deadline == row["expires_at"]


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "no key"), ("  \n", "no key"), ("k" * 4097, "longer than"), ("one\ntwo", "one line"), ("two words", "one line"), ("schlüssel", "one line"),
     ("a\x00b", "")],
)  # fmt: skip
async def test_what_is_no_key_is_refused_and_may_be_given_anew(crm: Town, keyed: tuple[object, Keys], key: str, said: str):
    path = await asked(crm)
    fields = await opened(crm, path)

    no = await crm.http.post(path, data=fields | {"key": key})

    assert (no.status_code, crm.sent) == (400, [])
    assert said in no.text
    assert not key.strip() or key not in no.text
    await crm.http.post(path, data=fields | {"key": "k" * 4096})
    assert brought(crm, keyed[1]) == [{"key": "k" * 4096}]


async def test_another_browser_another_link_and_no_state_give_nothing(crm: Town):
    path, other = await asked(crm), await asked(crm)
    fields = await opened(crm, path)
    elsewhere = httpx.AsyncClient(transport=httpx.ASGITransport(app=crm.app), base_url="http://gateway.test")

    async with elsewhere as mallory:
        told = [
            await mallory.post(path, data=fields | {"key": KEY}),
            await mallory.post(path, data={"key": KEY}),
            await crm.http.post(path, data=fields | {"key": KEY, "state": "x"}),
            await crm.http.post(path, data={"key": KEY}),
            await crm.http.post(other, data=fields | {"key": KEY}, headers={"Cookie": f"counterfoil-consent={fields['state']}"}),
            await crm.http.get(
                "/consent/back", params={"state": fields["state"], "code": "c"}, headers={"Cookie": f"counterfoil-consent={fields['state']}"}
            ),
        ]

    assert [one.status_code for one in told] == [400] * 6
    assert crm.sent == []
    assert not any(KEY in one.text for one in told)


async def test_a_link_that_is_old_or_used_takes_nothing(crm: Town):
    old, used = await asked(crm), await asked(crm)
    stale, fields = await opened(crm, old), await opened(crm, used)
    await crm.root.execute("UPDATE consent SET expires_at = now() - interval '1 second' WHERE link_digest = encode(sha256($1), 'hex')",
                           old.rpartition("/")[2].encode())  # fmt: skip
    await crm.root.execute("UPDATE consent SET outcome = 'granted' WHERE expires_at > now()")

    for path, given in ((old, stale), (used, fields)):
        assert (await crm.http.post(path, data=given | {"key": KEY})).status_code == 400
        crm.http.cookies.clear()
        assert (await crm.http.get(path)).status_code == 404
    assert crm.sent == []


async def test_a_megabyte_is_not_read(crm: Town):
    path = await asked(crm)
    fields = await opened(crm, path)

    no = await crm.http.post(path, data=fields | {"key": "k" * 1024 * 1024})

    assert (no.status_code, crm.sent) == (413, [])


async def test_the_same_twice_is_one_fact(crm: Town):
    path = await asked(crm)
    fields = await opened(crm, path)

    await crm.http.post(path, data=fields | {"key": KEY})
    crm.http.cookies.set("counterfoil-consent", fields["state"])
    await crm.http.post(path, data=fields | {"key": KEY})

    assert len({out.event_id for out in crm.sent}) == 1
    await mint_settles(crm, "granted")
    crm.http.cookies.set("counterfoil-consent", fields["state"])
    assert (await crm.http.post(path, data=fields | {"key": KEY})).status_code == 400
    assert len(crm.sent) == 2


async def test_who_does_not_want_to_says_so(crm: Town, keyed: tuple[object, Keys]):
    path = await asked(crm)

    await crm.http.post(path, data=await opened(crm, path) | {"key": KEY, "no": "no"})

    assert brought(crm, keyed[1]) == [{"error": "access_denied"}]


@pytest.mark.parametrize(("outcome", "status", "says"), [("granted", 200, "may now act for you"), ("refused", 403, "&lt;because&gt;")])
async def test_what_came_of_it_is_told(crm: Town, monkeypatch: pytest.MonkeyPatch, outcome: str, status: int, says: str):
    path = await asked(crm)
    fields = await opened(crm, path)

    async def mint() -> None:
        while not crm.sent:  # noqa: ASYNC110 - it is the post that makes it so
            await asyncio.sleep(0.01)
        await mint_settles(crm, outcome, message="<because>")

    monkeypatch.setattr(consent_bringing, "PATIENCE", 1)
    page, _ = await asyncio.gather(crm.http.post(path, data=fields | {"key": KEY}), mint())

    assert (page.status_code, says in page.text) == (status, True), page.text


async def test_back_to_the_app_no_form_is_redirected(crm: Town):
    """A browser follows no redirect to elsewhere from a form under `form-action 'self'`: the page leads on."""
    path = await asked(crm, return_to="https://app.example/done?x=1")

    page = await crm.http.post(path, data=await opened(crm, path) | {"key": KEY})

    assert page.status_code == 200
    assert '<meta http-equiv=refresh content="0;url=https://app.example/done?x=1&amp;consent=' in page.text
