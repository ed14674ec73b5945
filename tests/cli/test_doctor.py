"""counterfoil doctor: each thing that can be wrong is found, and has its fix."""

import json
from base64 import urlsafe_b64encode
from time import time

import pytest

from counterfoil.cli.checks import clocks
from tests.cli.shell import Shell
from tests.client.answers import Town


def token(**claims: object) -> str:
    usual = {"iss": "https://issuer.example", "sub": "me", "aud": "http://gateway", "exp": time() + 60}
    return f"e30.{urlsafe_b64encode(json.dumps(usual | claims).encode()).decode().rstrip('=')}.c2ln"


async def states(sh: Shell, *argv: str) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads((await sh("doctor", "-o", "json", *argv)).out)}


async def test_a_good_house_has_nothing_wrong(sh: Shell):
    sh.env = {"COUNTERFOIL_ID_TOKEN": token(), "COUNTERFOIL_LOG_KEY": sh.gateway.town.log_key.vkey}

    assert await states(sh) == dict.fromkeys(("versions", "gateway", "clock", "log key", "identity"), "good")
    assert (await sh("doctor")).code == 0


async def test_a_log_key_that_is_not_pinned_is_noted_with_the_key_to_pin(sh: Shell):
    sh.env = {"COUNTERFOIL_ID_TOKEN": token()}
    said = await sh("doctor")

    assert said.code == 0
    assert f"COUNTERFOIL_LOG_KEY='{sh.gateway.town.log_key.vkey}'" in said.out


async def test_a_pinned_key_that_is_another_is_wrong(sh: Shell):
    sh.env = {"COUNTERFOIL_ID_TOKEN": token(), "COUNTERFOIL_LOG_KEY": Town().log_key.vkey}

    assert (await states(sh))["log key"] == "wrong"


@pytest.mark.parametrize(
    ("claims", "word"), [({"aud": "elsewhere"}, "audience is http://gateway"), ({"exp": 1}, "expired"), ({"exp": None}, "expired")]
)
async def test_a_token_that_will_be_rejected_is_found_here(sh: Shell, claims: dict[str, object], word: str):
    sh.env = {"COUNTERFOIL_ID_TOKEN": token(**claims)}
    said = await sh("doctor")

    assert said.code == 4
    assert word in said.out


async def test_no_identity_is_four(sh: Shell):
    sh.env = {}

    assert (await sh("doctor")).code == 4


async def test_a_gateway_that_is_away_is_six_and_the_rest_is_left_out(sh: Shell):
    said = await sh("doctor", "--url", "http://127.0.0.1:1", "-o", "token")

    assert said.code == 6
    assert said.out.splitlines() == ["good versions", "wrong gateway"]


async def test_something_else_at_that_address_is_no_gateway(sh: Shell):
    sh.gateway.members = {"verifier_key": {"key": "short"}}

    assert await states(sh) == {"versions": "good", "gateway": "wrong"}


async def test_kafka_is_looked_at_where_it_is_used(sh: Shell):
    sh.env = {"COUNTERFOIL_ID_TOKEN": token(), "COUNTERFOIL_KAFKA": "127.0.0.1:1"}

    assert (await states(sh, "--transport", "kafka"))["kafka"] == "wrong"


@pytest.mark.parametrize(("date", "state"), [("Tue, 24 Nov 2020 12:00:00 GMT", "wrong"), (None, "note"), ("soon", "note")])
def test_a_clock_that_is_away_is_found(date: str | None, state: str):
    assert clocks(date).state == state
