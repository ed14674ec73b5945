"""What a link allows beside its ceiling: how much, and of which tenant. Both doors, the real parts."""

import json
from typing import Any

import pytest

from counterfoil.client.errors import RateLimited
from tests.support.town import Town

LINK: dict[str, Any] = {
    "kind": "link", "connector": "postgres/demo", "project": "limited", "environments": ["production"],
    "ceiling": {"scopes": ["read"], "longest": 60, "installations": ["second"]},
}  # fmt: skip


async def test_a_link_that_may_have_one_alive_is_refused_a_second_until_the_first_is_given_back(town: Town):
    await town.apply(LINK | {"limits": {"live": 1}})
    token = await town.id_token(project="limited")
    first = await town.ask(token, scope="read")
    assert first.status_code == 200, first.text

    second = await town.ask(token, scope="read")
    said = second.json()
    assert (second.status_code, said["code"], said["error"]) == (429, "limited", "temporarily_unavailable")
    assert 1 <= said["retry_after"] <= 60
    assert second.headers["retry-after"] == str(said["retry_after"])
    async with town.client("kafka", token, timeout=2) as bus:
        with pytest.raises(RateLimited) as no:
            await bus.exchange("postgres/demo", ["read"])
    assert 1 <= (no.value.retry_after or 0) <= 60

    revoked = await town.http.post(
        f"{town.plan.url}/oauth2/revoke", data={"token": first.json()["credential_id"]}, headers={"Authorization": f"Bearer {token}"}
    )
    assert revoked.is_success
    for _ in range(50):
        again = await town.ask(token, scope="read")
        if again.status_code == 200:
            break
    assert again.status_code == 200, again.text


async def test_a_wish_names_an_installation_and_gets_what_differs_there(town: Town):
    """The second tenant differs in its limit of connections, which its roles show."""
    await town.apply(LINK, {"kind": "installation", "connector": "postgres/demo", "installation": "second", "config": {"connection_limit": 3}})
    async with town.client("http", await town.id_token(project="limited")) as http:
        own = await http.exchange("postgres/demo", ["read"])
        second = await http.exchange("postgres/demo", ["read"], installation="second")
    async with town.sql("postgres") as db:
        limits = [await db.fetchval("SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", one.parts()["username"]) for one in (own, second)]
    assert limits == [10, 3]
    assert json.loads(second.receipt.leaf or "")["fact"]["installation"] == "second"


async def test_a_lifetime_beyond_what_the_provider_lends_is_refused_and_says_so(town: Town):
    await town.apply(LINK | {"ceiling": {"scopes": ["read"], "longest": 3 * 86400}})
    answer = await town.ask(await town.id_token(project="limited"), scope="read", requested_lifetime="172800")
    said = answer.json()
    assert (answer.status_code, said["code"]) == (502, "provider_refused")
    assert "at most 86400 s" in answer.text
