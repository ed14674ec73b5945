"""OAuth 2.0 and Linear from the command that connects them to the server's own no, through every stage."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Said, Shell
from tests.cli.stand_in import StandIn
from tests.support.linear import COMMENT, CREATE, READ, SECRET, Linear
from tests.support.oidc import SECRETS, Oidc
from tests.support.town import Town

pytestmark = pytest.mark.counterparts
PAYMENT = {"type": "payment", "actions": ["initiate"], "amount": 100}


@pytest.fixture
def cf(town: Town) -> Shell:
    return Shell(StandIn(), town.plan.url, {})


def good(said: Said) -> Said:
    assert said.code == 0, said.err
    return said


def wide(*details: Mapping[str, Any]) -> list[str]:
    return [word for one in details for word in ("--detail", json.dumps(one))]


async def connected(cf: Shell, folder: Path, name: str, config: Mapping[str, object], secret: tuple[str, str], *scopes: str) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    cf.env["ROOT"] = secret[1]
    named = [word for one in scopes for word in ("-s", one)]
    said = good(await cf("connector", "add", name, "--config-file", str(folder / "config.json"), "--secret", f"{secret[0]}=env:ROOT", *named,
                         "--link", "web/production"))  # fmt: skip
    assert "revoked: " in said.err
    assert secret[1] not in said.out + said.err


async def got(cf: Shell, name: str, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(good(await cf("get", name, *words, "--lifetime", "5m", "--timeout", "30", "-o", "json")).out)
    return found


async def test_a_token_that_was_exchanged_does_what_was_asked_until_it_is_revoked(cf: Shell, town: Town, oidc: Oidc, tmp_path: Path):
    name, secret = "oauth2/exchange", SECRETS["exchanger"]
    await connected(cf, tmp_path, name, oidc.config("exchanger", grant="token_exchange"), ("secret", secret), "read", "write")
    found = await got(cf, name, "--scope", "read")
    said = await oidc.says(found["access_token"])
    assert (said["active"], said["scope"]) == (True, "read")

    assert (await cf("get", name, "--scope", "admin")).code == 3
    good(await cf("revoke", found["credential_id"]))

    assert not await oidc.active(found["access_token"])
    assert found["access_token"].encode() not in town.logs()


async def test_details_go_through_to_the_server_and_its_no_comes_back(cf: Shell, oidc: Oidc, tmp_path: Path):
    name, config = "oauth2/bank", oidc.config("acme", resource="https://api.example", detail_types=["payment"])
    await connected(cf, tmp_path, name, config, ("secret", SECRETS["acme"]), "read")
    ceiling = {"type": "payment", "actions": ["initiate", "refund"], "amount": [100, 5000]}
    good(await cf("link", "add", name, "-p", "shop", "-e", "staging", "-s", "read", *wide(ceiling)))
    shop = ("--project", "shop", "--environment", "staging", "--scope", "read")
    found = await got(cf, name, *shop, *wide(PAYMENT))
    assert found["details"] == [PAYMENT]
    assert (await oidc.says(found["access_token"]))["authorization_details"] == [PAYMENT]

    beyond = await cf("get", name, *shop, *wide(PAYMENT | {"amount": 101}), "--timeout", "30")
    refused = await cf("get", name, *shop, *wide(PAYMENT | {"amount": 5000}), "--timeout", "30")

    assert (beyond.code, refused.code) == (3, 5)
    good(await cf("revoke", found["credential_id"], "--operator"))
    assert not await oidc.active(found["access_token"])


async def test_linears_token_may_what_its_app_may_until_it_is_revoked(cf: Shell, town: Town, linear: Linear, tmp_path: Path):
    await connected(cf, tmp_path, "linear/acme", linear.config(), ("client_secret", SECRET), "read", "issues:create")
    found = await got(cf, "linear/acme")
    token = found["access_token"]
    assert await linear.may(token, READ)
    assert await linear.may(token, CREATE)
    assert not await linear.may(token, COMMENT)

    assert (await cf("get", "linear/acme", "--scope", "comments:create")).code == 3
    good(await cf("revoke", found["credential_id"]))

    assert not await linear.opens(token)
    assert token.encode() not in town.logs()
