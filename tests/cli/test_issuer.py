"""counterfoil issuer: each preset's entry lets the platform's own tokens through the real gate, and nobody else's."""

import json
from typing import Any

import pytest

from counterfoil.cli.rule import held
from counterfoil.contracts.registry import Issuer
from counterfoil_server.domain import identity
from tests.cli.fake_registry import FakeRegistry
from tests.cli.platform_tokens import ADDED, AZURE, HEADERS, HOUR, KUBERNETES
from tests.cli.shell import Said, Shell
from tests.tokens.forge import AT, AUDIENCE, NOW, accepted, dumps, refusal, signed

KINDS = pytest.mark.parametrize("kind", ADDED)


@pytest.fixture
def registry(sh: Shell) -> FakeRegistry:
    made = FakeRegistry()
    made.serve(sh.gateway)
    return made


async def add(sh: Shell, kind: str, *more: str) -> Said:
    FakeRegistry().serve(sh.gateway)
    return await sh("issuer", "add", "--kind", kind, *ADDED[kind][1], *more)


async def entry(sh: Shell, kind: str, *more: str) -> Issuer:
    said = await add(sh, kind, *more)
    assert said.code == 0, said.err
    return Issuer.model_validate(sh.gateway.at("/v1/registry")[-1].body["entries"][0])


def raw(kind: str, **changes: Any) -> bytes:
    header = {"alg": "RS256", "typ": "JWT"} | HEADERS.get(kind, {})
    name = {"ES256": "p256", "ES384": "p384"}.get(header["alg"], "rsa")
    return signed(dumps(header | {"kid": name}), dumps(ADDED[kind][0] | changes), header["alg"], name)


def placed(issuer: Issuer, token: bytes) -> tuple[str, str]:
    """As verifier and gateway do it."""
    return identity.place(issuer, identity.chosen(issuer, accepted(token, issuer)))


@KINDS
async def test_a_token_as_the_platform_makes_it_is_let_in(sh: Shell, kind: str):
    assert placed(await entry(sh, kind), raw(kind)) == ("web", "production")


WRONG: dict[str, dict[str, Any]] = {
    "github": {"repository_owner_id": "8"},
    "gitlab": {"namespace_id": "73"},
    "kubernetes": {"kubernetes.io": KUBERNETES["kubernetes.io"] | {"namespace": "other"}},
    "vercel": {"owner_id": "team_2"},
    "aws": {"sub": "arn:aws:iam::123456789012:role/other"},
    "google": {"sub": "104568"},
    "azure": {"oid": "o-2"},
    "spiffe": {"sub": "spiffe://acme.example/other"},
    "generic": {"azp": "another-client"},
}


@KINDS
async def test_one_that_is_not_as_pinned_or_not_listed_is_rejected(sh: Shell, kind: str):
    issuer, token = await entry(sh, kind), raw(kind, **WRONG[kind])
    with pytest.raises(identity.Unmapped):
        placed(issuer, token)


@KINDS
async def test_another_audience_is_rejected(sh: Shell, kind: str):
    assert refusal(raw(kind, aud="https://another.example"), await entry(sh, kind)) == "wrong_audience"


@KINDS
async def test_one_that_is_older_than_the_entry_says_is_rejected(sh: Shell, kind: str):
    issuer = await entry(sh, kind)
    old = AT - issuer.max_age - 1

    assert refusal(raw(kind, iat=old, nbf=old, exp=min(old + issuer.max_lifetime, AT + 60)), issuer) in {"too_old", "expired"}


async def test_an_hour_old_kubernetes_token_works_by_the_entrys_own_words(sh: Shell):
    issuer = await entry(sh, "kubernetes")
    hours = {"iat": AT - HOUR, "nbf": AT - HOUR}

    assert placed(issuer, raw("kubernetes", **hours, exp=AT + 7)) == ("web", "production")
    assert placed(issuer, raw("kubernetes", **hours, exp=AT + 23 * HOUR)) == ("web", "production")
    assert (issuer.max_age, issuer.max_lifetime) == (24 * HOUR, 24 * HOUR)
    assert refusal(raw("kubernetes", **hours), issuer.model_copy(update={"max_age": 600})) == "too_old"


async def test_a_twelve_hour_vercel_token_works_by_the_entrys_own_words(sh: Shell):
    issuer = await entry(sh, "vercel")

    assert placed(issuer, raw("vercel", iat=AT, nbf=AT, exp=AT + 12 * HOUR)) == ("web", "production")
    assert placed(issuer, raw("vercel", iat=AT - 12 * HOUR + 1, nbf=AT - 12 * HOUR, exp=AT + 1)) == ("web", "production")
    assert refusal(raw("vercel", iat=AT, nbf=AT, exp=AT + 12 * HOUR + 1), issuer) == "too_long"


async def test_a_missing_environment_never_means_production(sh: Shell):
    for kind in ("github", "gitlab", "vercel"):
        issuer, token = await entry(sh, kind), raw(kind, environment=...)
        with pytest.raises(identity.Unmapped, match="environment"):
            placed(issuer, token)


async def test_keys_of_other_origins_are_pinned(sh: Shell):
    assert (await entry(sh, "google")).jwks_uri == "https://www.googleapis.com/oauth2/v3/certs"
    assert (await entry(sh, "azure")).jwks_uri == f"https://login.microsoftonline.com/{AZURE['tid']}/discovery/v2.0/keys"
    assert (await entry(sh, "azure", "--jwks-uri", "https://keys.example")).jwks_uri == "https://keys.example"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--kind", "github", "--project", "42=web"], "repository_owner_id"),
        (["--kind", "gitlab"], "namespace_id"),
        (["--kind", "vercel", "--issuer", "https://oidc.vercel.com/acme"], "owner_id"),
        (["--kind", "vercel", "--pin", "owner_id=team_1"], "oidc.vercel.com/TEAM"),
        (["--kind", "kubernetes", "--project", "web=web", "--environment", "production"], "kubectl get --raw"),
        (["--kind", "kubernetes", "--issuer", "https://c.example", "--environment", "production"], "List who counts"),
        (["--kind", "google", "--project", "web", "--environment", "production"], "anybody at this issuer"),
        (["--kind", "aws", "--issuer", "https://a.example", "--project", "arn=web"], "say which one this entry is for"),
        (["--kind", "generic", "--issuer", "https://a.example", "--environment", "production"], "--project-claim"),
        (["--kind", "generic", "--issuer", "https://a.example", "--project", "1=web", "--environment", "p"], "--project-claim"),
        (["--kind", "github", "--pin", "repository_owner_id"], "claim=value"),
        (["--kind", "github", "--pin", "repository_owner_id=7", "--project", "1=a", "--project", "b"], "value=word"),
        (["--kind", "github", "--pin", "repository_owner_id=7", "--max-age", "soon"], "a number of seconds"),
        (["Name", "--kind", "github", "--pin", "repository_owner_id=7"], "name"),
        (["--kind", "unheard"], "unheard"),
    ],
)
async def test_what_is_missing_or_lets_in_too_much_is_asked_for(sh: Shell, argv: list[str], says: str):
    said = await sh("issuer", "add", *argv)

    assert said.code == 2
    assert says in " ".join(said.err.replace("│", " ").split())
    assert sh.gateway.at("/v1/registry") == []


@KINDS
async def test_it_is_said_in_words_what_the_entry_means(sh: Shell, kind: str):
    words = " ".join((await add(sh, kind, "--single-use", "--max-age", "10m")).err.split())

    assert f"{ADDED[kind][0]['iss']} signed for" in words
    assert "at most 10 minutes ago" in words
    assert "every request needs a token of its own" in words
    assert "https://" in words


async def test_a_dry_run_is_one_and_json_has_everything(sh: Shell):
    said = await add(sh, "github", "--dry-run", "-o", "json", "--record", "ref", "--record", "actor")
    found = json.loads(said.out)

    assert sh.gateway.at("/v1/registry")[-1].body["dry_run"] is True
    assert sorted(found["entry"]["record"]) == ["actor", "ref"]
    assert (found["entry"]["max_age"], found["entry"]["max_lifetime"]) == (600, 6 * HOUR)
    assert any("repository_owner_id is 7" in line for line in found["means"])
    assert "would change" in said.err
    assert "created" in (await add(sh, "github")).out


async def test_its_usual_ages_stand_in_the_entry_itself(sh: Shell):
    await add(sh, "kubernetes")
    sent = sh.gateway.at("/v1/registry")[-1].body["entries"][0]

    assert (sent["max_age"], sent["max_lifetime"], sent["single_use"]) == (24 * HOUR, 24 * HOUR, False)


async def test_issuers_are_listed_shown_and_removed(sh: Shell, registry: FakeRegistry):
    await sh("issuer", "add", "--kind", "github", *ADDED["github"][1])
    await sh("issuer", "add", "--kind", "aws", *ADDED["aws"][1])
    removed = {"kind": "issuer", "name": "github", "change": "removed"}
    sh.gateway.says["/v1/issuers/github"] = lambda _: (
        200, {"name": "github", "issuer": "https://token.actions.githubusercontent.com", "revision": 3, "changes": [removed]})  # fmt: skip

    assert (await sh("issuer", "list", "-o", "token")).out == "github\naws\n"
    assert "githubusercontent" in (await sh("issuer", "list")).out
    assert "githubusercontent" in (await sh("issuer", "show", "github")).out
    assert "removed" in (await sh("issuer", "remove", "github", "--dry-run")).out
    assert sh.gateway.at("/v1/issuers/github")[-1].query == {"dry_run": "true"}
    assert len(registry.entries) == 2


@KINDS
async def test_what_whoami_explains_is_what_the_gate_decides(sh: Shell, kind: str):
    issuer, claims = await entry(sh, kind), ADDED[kind][0]
    good = held(issuer, claims, AUDIENCE, NOW.timestamp())

    assert [one.what for one in good if not one.good] == []
    assert {one.says.partition(",")[0] for one in good if one.what in ("project", "environment")} == {"web", "production"}
    for changes in (WRONG[kind], {"aud": "https://another.example"}, {"iat": AT - issuer.max_age - 1}, {"exp": AT - 31}, {"exp": "soon"}):
        assert not all(one.good for one in held(issuer, claims | changes, AUDIENCE, NOW.timestamp())), changes
