"""counterfoil whoami: claims, the gateway's word, the chain, and the rule."""

import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from services.dev.issuer import LocalIssuer
from services.dev.signer import Signer
from tests.cli.shell import Shell
from tests.cli.stand_in import no
from tests.support.issuer import running

ISSUER = {
    "kind": "issuer", "name": "ci", "issuer": "https://issuer.example", "pins": {"owner_id": "7"}, "max_age": 600, "max_lifetime": 7200,
    "project": {"claim": "repository_id", "map": {"42": "web"}}, "environment": {"claim": "environment"}, "of_a_newer_gateway": 1,
}  # fmt: skip
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example", "sub": "me", "aud": "http://gateway", "owner_id": "7", "repository_id": "42", "environment": "production",
}  # fmt: skip


def token(**changes: Any) -> str:
    times = {"iat": int(time.time()) - 20, "exp": int(time.time()) + 280}
    claims = {name: value for name, value in (CLAIMS | times | changes).items() if value is not ...}
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


@pytest.fixture
def readable(sh: Shell) -> Shell:
    sh.env = {"COUNTERFOIL_ID_TOKEN": token()}
    sh.gateway.says["/v1/whoami"] = lambda _: (200, {"issuer": "ci", "project": "web"})
    sh.gateway.says["/v1/registry"] = lambda _: (200, {"revision": 3, "entries": [{"kind": "operator"}, ISSUER]})
    return sh


async def found(sh: Shell) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((await sh("whoami", "--verbose", "-o", "json")).out)
    return document


async def test_the_rule_is_shown_check_by_check(readable: Shell):
    rule = (await found(readable))["rule"]

    assert rule["entry"] == "ci"
    assert [one["what"] for one in rule["checks"]] == ["aud", "exp", "age", "lifetime", "owner_id", "project", "environment"]
    assert all(one["good"] for one in rule["checks"])


@pytest.mark.parametrize(
    ("changes", "what", "says"),
    [
        ({"aud": "https://github.com/acme"}, "aud", "must be http://gateway"),
        ({"owner_id": "8"}, "owner_id", "must be 7; the token's is 8"),
        ({"repository_id": "43"}, "project", "not listed"),
        ({"environment": ...}, "environment", "missing"),
        ({"iat": 0}, "age", "of 600"),
    ],
)
async def test_what_the_entry_would_not_accept_stands_out(readable: Shell, changes: dict[str, Any], what: str, says: str):
    readable.env = {"COUNTERFOIL_ID_TOKEN": token(**changes)}
    readable.gateway.says["/v1/whoami"] = no("wrong_audience", 401)
    wrong = {one["what"]: one["says"] for one in (await found(readable))["rule"]["checks"] if not one["good"]}
    said = await readable("whoami", "--verbose")

    assert says in wrong[what]
    assert said.code == 4
    assert "NO" in said.out


async def test_the_chain_says_where_the_token_came_from(readable: Shell):
    assert (await found(readable))["chain"] == [{"source": "given", "outcome": "used", "why": "", "fix": ""}]


async def test_who_may_not_read_the_registry_is_told_who_may(readable: Shell):
    readable.gateway.says["/v1/registry"] = no("not_allowed", 403)
    said = await readable("whoami", "--verbose")

    assert said.code == 0
    assert "only who may read the registry" in said.err
    assert (await found(readable))["rule"]["because"] == "not_allowed"


async def test_an_issuer_without_an_entry_is_said(readable: Shell):
    readable.env = {"COUNTERFOIL_ID_TOKEN": token(iss="https://another.example")}

    assert "no entry is for https://another.example" in (await readable("whoami", "-v")).err


async def test_without_verbose_the_registry_is_not_asked(readable: Shell):
    said = await readable("whoami")

    assert said.code == 0
    assert readable.gateway.at("/v1/registry") == []


async def test_where_no_token_is_found_the_chain_is_printed_all_the_same(sh: Shell, tmp_path: Path):
    sh.env = {"HOME": str(tmp_path), "GITHUB_ACTIONS": "true"}
    said = await sh("whoami", "--verbose", "-o", "json")
    chain = json.loads(said.out)["chain"]

    assert said.code == 4
    assert [(one["source"], one["outcome"]) for one in chain] == [("given", "absent"), ("local issuer", "absent"), ("GitHub Actions", "failed")]
    assert "id-token: write" in said.err


async def test_in_development_the_local_issuer_goes_before_the_platform(sh: Shell, tmp_path: Path):
    sh.env = {"GITHUB_ACTIONS": "true"}
    sh.gateway.says["/v1/whoami"] = lambda _: (200, {})
    async with running(LocalIssuer(Signer(tmp_path), "http://gateway")) as url:
        sh.gateway.members = {"development": {"issuer": url}}
        chain = json.loads((await sh("whoami", "-v", "-o", "json")).out)["chain"]

    assert chain[-1]["source"] == "local issuer"
