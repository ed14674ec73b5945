"""counterfoil get, and what is common to every verb: where output goes, the identity, the exit codes."""

import json
from collections.abc import Callable

import pytest

from services.dev.issuer import LocalIssuer
from services.dev.signer import Signer
from tests.cli.shell import Shell
from tests.cli.stand_in import CREDENTIAL_ID, no
from tests.client.answers import DSN, PARTS
from tests.support.issuer import running


async def test_token_prints_the_secret_and_nothing_else(sh: Shell):
    said = await sh.process("get", "postgres/demo", "-o", "token")

    assert (said.code, said.out, said.err) == (0, f"{DSN}\n", "")


async def test_a_table_shows_all_but_the_secret(sh: Shell):
    said = await sh("get", "postgres/demo")

    assert said.code == 0
    assert CREDENTIAL_ID in said.out
    assert "canary" not in said.out + said.err
    assert "-o token" in said.err


async def test_json_has_everything(sh: Shell):
    found = json.loads((await sh("get", "postgres/demo", "-o", "json")).out)

    assert (found["access_token"], found["credential"], found["credential_id"]) == (DSN, PARTS, CREDENTIAL_ID)
    assert found["receipt"]["index"] == 2


async def test_the_wish_is_what_the_options_say(sh: Shell):
    await sh("get", "postgres/demo", "--scope", "write", "-s", "read", "--lifetime", "5m", "--detail", '{"type": "table"}')

    (asked,) = sh.gateway.at("/oauth2/token")
    assert (asked.body["scope"], asked.body["requested_lifetime"]) == ("read write", "300")
    assert json.loads(asked.body["authorization_details"]) == [{"type": "table"}]


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [("no_link", 400, 3), ("not_found", 404, 3), ("revoked", 400, 3), ("wrong_audience", 400, 4), ("provider_refused", 502, 5), ("late", 504, 6)],
)
async def test_the_exit_code_says_what_kind_of_no_it_was(sh: Shell, code: str, status: int, exit_code: int):
    sh.gateway.says["/oauth2/token"] = no(code, status, retryable=False, stage="authorize", nearest={"environment": "production"})
    said = await sh.process("get", "postgres/demo")

    assert (said.code, said.out) == (exit_code, "")
    assert code in said.err
    assert "words" in said.err
    assert "fix: do this" in said.err
    assert 'nearest: {"environment": "production"}' in said.err


async def test_a_gateway_that_is_not_there_is_six(sh: Shell):
    said = await sh.process("get", "postgres/demo", "--url", "http://127.0.0.1:1")

    assert said.code == 6
    assert "http://127.0.0.1:1 could not be reached" in said.err


@pytest.mark.parametrize(
    "argv", [("get",), ("get", "postgres/demo", "-l", "soon"), ("get", "postgres/demo", "--detail", "x"), ("get", "a", "-o", "xml"), ("nothing",)]
)
async def test_a_call_that_cannot_be_read_is_two(sh: Shell, argv: tuple[str, ...]):
    assert (await sh.process(*argv)).code == 2
    assert sh.gateway.asked == []


async def test_no_identity_is_four_and_names_what_was_tried(sh: Shell):
    sh.env = {}
    said = await sh("get", "postgres/demo")

    assert said.code == 4
    assert "COUNTERFOIL_ID_TOKEN is not set" in said.err
    assert "COUNTERFOIL_ID_TOKEN_FILE is not set" in said.err


async def test_a_forged_receipt_gives_no_credential(sh: Shell):
    def forged(asked: object) -> tuple[int, object]:
        status, body = sh.gateway.lend(asked)  # type: ignore[arg-type]
        return status, body | {"receipt": body["receipt"] | {"leaf": body["receipt"]["leaf"] + " "}}

    sh.gateway.says["/oauth2/token"] = forged
    said = await sh("get", "postgres/demo", "-o", "token")

    assert (said.code, said.out) == (1, "")
    assert "not_included" in said.err


@pytest.fixture
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], LocalIssuer]:
    return lambda: LocalIssuer(Signer(tmp_path_factory.mktemp("issuer")), "http://gateway")


async def test_in_development_the_local_issuer_gives_the_identity(sh: Shell, issuer: Callable[[], LocalIssuer]):
    sh.env = {"COUNTERFOIL_PROJECT": "shop"}
    async with running(issuer()) as url:
        sh.gateway.members = {"development": {"issuer": url}}
        said = await sh("get", "postgres/demo", "--environment", "preview", "-o", "token")
        claims = json.loads((await sh("id-token", "--environment", "preview", "-o", "json")).out)["claims"]

    assert said.out == f"{DSN}\n"
    assert said.err.count("development identity shop/preview") == 1
    assert len(sh.gateway.at("/oauth2/token")[0].body["subject_token"].split(".")) == 3
    assert (claims["project"], claims["environment"], claims["aud"]) == ("shop", "preview", "http://gateway")


async def test_a_token_that_was_set_goes_before_the_local_issuer(sh: Shell):
    sh.gateway.members = {"development": {"issuer": "http://127.0.0.1:1"}}

    assert (await sh("get", "postgres/demo", "-o", "token")).code == 0


async def test_a_token_file_that_cannot_be_read_is_not_passed_over_for_the_local_issuer(sh: Shell, issuer: Callable[[], LocalIssuer]):
    sh.env = {"COUNTERFOIL_ID_TOKEN_FILE": "/no/such/file"}
    async with running(issuer()) as url:
        sh.gateway.members = {"development": {"issuer": url}}
        said = await sh("get", "postgres/demo")

    assert said.code == 4
    assert "/no/such/file cannot be read" in said.err


async def test_a_local_issuer_that_is_away_is_said(sh: Shell):
    sh.env = {}
    sh.gateway.members = {"development": {"issuer": "http://127.0.0.1:1"}}
    said = await sh("get", "postgres/demo")

    assert said.code == 4
    assert "http://127.0.0.1:1 gave no token" in said.err


async def test_an_issuer_elsewhere_is_never_asked(sh: Shell):
    sh.env = {}
    sh.gateway.members = {"development": {"issuer": "http://issuer.example"}}
    said = await sh("get", "postgres/demo")

    assert said.code == 4
    assert "would have named its local issuer" in said.err


@pytest.mark.parametrize("argv", [("get", "postgres/demo"), ("whoami",), ("doctor",), ("id-token",)])
async def test_no_token_goes_over_a_network_in_clear(sh: Shell, argv: tuple[str, ...]):
    said = await sh(*argv, "--url", "http://exchange.example")

    assert said.code == 1
    assert "insecure_url" in said.err
