"""The other verbs against a stand-in: what they ask, what they print, how they end."""

import json
from typing import Any

import pytest

from tests.cli.shell import TOKEN, Shell
from tests.cli.stand_in import CREDENTIAL_ID, Asked, no

ORDER = "11111111-2222-5333-8444-555555555555"
CREDENTIALS = [
    {"credential_id": CREDENTIAL_ID, "connector": "postgres/demo", "project": "web", "environment": "production", "state": "active",
     "scopes": ["read"], "expires_at": "2026-11-24T12:05:00Z"},
]  # fmt: skip
LEAVES: list[dict[str, Any]] = [
    {"kind": "grant.denied", "project": "web", "environment": "preview", "connector": "postgres/demo", "code": "no_link"},
    {
        "kind": "registry.changed",
        "actor": {"role": "admin", "sub_hash": "abcdef0123"},
        "entry_kind": "link",
        "name": "web->postgres/demo",
        "change": "put",
    },
    {
        "kind": "identity.rejected",
        "unverified_issuer": "https://evil.example\x1b[2J",
        "asked": {"connector": "postgres/demo"},
        "code": "unknown_issuer",
    },
]


async def test_revoking_ones_own_says_that_it_is_accepted(sh: Shell):
    said = await sh("revoke", CREDENTIAL_ID)

    assert said.code == 0
    assert "2026-11-24T12:00:00Z" in said.out
    (asked,) = sh.gateway.at("/oauth2/revoke")
    assert (asked.body, asked.bearer) == ({"token": CREDENTIAL_ID}, TOKEN)


async def test_revoking_what_one_does_not_have_is_an_error(sh: Shell):
    sh.gateway.says["/oauth2/revoke"] = lambda _: (200, {})
    said = await sh("revoke", CREDENTIAL_ID)

    assert said.code == 3
    assert CREDENTIAL_ID in said.err


async def test_credentials_are_listed(sh: Shell):
    sh.gateway.says["/v1/credentials"] = lambda _: (200, {"credentials": CREDENTIALS, "next": None})
    table, ids = await sh("credentials", "--connector", "postgres/demo"), await sh("credentials", "-o", "token")

    assert table.out.splitlines()[0].split()[:3] == ["CREDENTIAL_ID", "CONNECTOR", "PROJECT"]
    assert table.out.splitlines()[1].startswith(f"{CREDENTIAL_ID}  postgres/demo")
    assert ids.out == f"{CREDENTIAL_ID}\n"
    assert sh.gateway.asked[0].query == {"connector": "postgres/demo", "limit": "100"}


def stopped(sh: Shell) -> None:
    sh.gateway.says["/v1/connectors"] = lambda _: (
        200,
        {"connectors": [{"name": "a/b", "state": "active"}, {"name": "postgres/demo", "state": "fenced"}]},
    )
    sh.gateway.says["/v1/blocks"] = lambda _: (200, {"blocks": [{"id": ORDER, "project": "web", "since": "2026-11-24T12:00:00Z"}]})
    sh.gateway.says["/v1/connectors/postgres/demo/unfence"] = sh.gateway.says[f"/v1/blocks/{ORDER}"] = lambda _: (200, {})


async def test_what_is_stopped_is_listed(sh: Shell):
    stopped(sh)
    said = await sh("lift")

    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["postgres/demo", "fence", "connector=postgres/demo"], [ORDER, "block", "project=web", "2026-11-24T12:00:00Z"],
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "door"), [("postgres/demo", "/v1/connectors/postgres/demo/unfence"), (ORDER, f"/v1/blocks/{ORDER}")])
async def test_what_is_stopped_is_lifted_by_its_name(sh: Shell, name: str, door: str):
    stopped(sh)

    assert (await sh("lift", name, "--dry-run")).code == 0
    assert sh.gateway.at(door) == []
    assert (await sh("lift", name)).code == 0
    assert len(sh.gateway.at(door)) == 1


async def test_what_is_not_stopped_cannot_be_lifted(sh: Shell):
    stopped(sh)

    assert (await sh("lift", "a/b")).code == 2


def log(sh: Shell, facts: list[dict[str, Any]]) -> None:
    leaves = [{"index": at, "leaf": json.dumps({"time": f"2026-11-24T12:00:0{at}.000000Z", "fact": fact})} for at, fact in enumerate(facts)]

    def page(asked: Asked) -> tuple[int, Any]:
        after, limit = asked.query.get("after"), int(asked.query["limit"])
        found = leaves[-limit:] if after is None else leaves[int(after) + 1 :][:limit]
        return 200, {"leaves": found, "size": len(leaves)}

    sh.gateway.says["/v1/audit/leaves"] = page


async def test_the_tail_of_the_log_is_a_line_a_leaf(sh: Shell):
    log(sh, LEAVES)
    said = await sh("audit", "tail")

    _, denied, changed, rejected = said.out.splitlines()
    assert denied.split() == ["0", "2026-11-24T12:00:00.000000Z", "grant.denied", "web/preview", "postgres/demo", "no_link"]
    assert changed.split()[3:] == ["admin", "abcdef01", "link", "web->postgres/demo", "put"]
    assert rejected.endswith("unknown_issuer")
    assert "\x1b" not in said.out


async def test_the_tail_is_as_long_as_asked_and_json_holds_the_whole_leaf(sh: Shell):
    log(sh, LEAVES)
    said = await sh("audit", "tail", "-n", "2", "-o", "json")

    assert [json.loads(line)["leaf"]["fact"] for line in said.out.splitlines()] == LEAVES[1:]


async def test_a_leafs_exact_bytes_can_be_had(sh: Shell):
    log(sh, LEAVES[:1])

    assert (await sh("audit", "tail", "-o", "token")).out == sh.gateway.says["/v1/audit/leaves"](Asked("", {"limit": "1"}, "", None))[1]["leaves"][0][
        "leaf"
    ] + "\n"


async def test_whoami_shows_the_claims_even_where_the_gateway_rejects_them(sh: Shell):
    sh.gateway.says["/v1/whoami"] = no("unknown_issuer", 401)
    said = await sh("whoami")

    assert said.code == 4
    assert "https://issuer.example" in said.out
    assert "unknown_issuer" in said.err


async def test_whoami_shows_what_the_gateway_makes_of_it(sh: Shell):
    sh.gateway.says["/v1/whoami"] = lambda _: (200, {"project": "web", "role": None})

    assert json.loads((await sh("whoami", "-o", "json")).out) == {
        "claims": {"sub": "me", "iss": "https://issuer.example"}, "gateway": {"project": "web", "role": None},
    }  # fmt: skip


async def test_the_id_token_is_printed_as_it_is(sh: Shell):
    assert (await sh("id-token")).out == f"{TOKEN}\n"
