"""counterfoil run: what the child finds, how it ends, and that nothing is left alive behind it."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Shell, ended
from tests.cli.stand_in import CREDENTIAL_ID, no
from tests.client.answers import DSN

RUN = ("run", "-c", "postgres/demo", "--")
SLEEPS = "import sys, time; print('there', flush=True); time.sleep(60)"


def python(code: str) -> tuple[str, ...]:
    return (*RUN, sys.executable, "-c", code)


def unmasked(code: str) -> tuple[str, ...]:
    return ("run", "-c", "postgres/demo", "--no-mask", "--", sys.executable, "-c", code)


def revoked(sh: Shell) -> list[str]:
    return [one.body["token"] for one in sh.gateway.at("/oauth2/revoke")]


async def test_the_child_finds_the_credential_and_it_is_revoked_at_the_end(sh: Shell):
    names = "DATABASE_URL PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE"
    said = await sh.process(*unmasked(f"import os; print(*(os.environ[name] for name in '{names}'.split()))"))

    assert (said.code, said.out) == (0, f"{DSN} 127.0.0.1 5432 cf_1 canary-of-the-secret demo\n")
    assert said.err == ""
    assert revoked(sh) == [CREDENTIAL_ID]


async def test_what_libpq_would_follow_instead_is_taken_away(sh: Shell):
    sh.env |= {"PGSERVICE": "other", "PGHOSTADDR": "10.0.0.1"}
    said = await sh.process(*python("import os; print('PGSERVICE' in os.environ, 'PGHOSTADDR' in os.environ)"))

    assert said.out == "False False\n"


async def test_another_providers_token_stands_in_its_usual_variable(sh: Shell):
    def token(asked: object) -> tuple[int, object]:
        status, body = sh.gateway.lend(asked)  # type: ignore[arg-type]
        return status, body | {"access_token": "ghs_canary", "credential": {}}

    sh.gateway.says["/oauth2/token"] = token
    said = await sh.process("run", "-c", "github/acme-bot", "--no-mask", "--", sys.executable, "-c", "import os; print(os.environ['GITHUB_TOKEN'])")

    assert said.out == "ghs_canary\n"


async def test_googles_token_stands_where_gcloud_and_terraform_look_and_nothing_that_gcloud_would_follow_instead(sh: Shell):
    def token(asked: object) -> tuple[int, object]:
        status, body = sh.gateway.lend(asked)  # type: ignore[arg-type]
        return status, body | {"access_token": "ya29.canary", "token_type": "Bearer", "credential": {}}

    sh.gateway.says["/oauth2/token"] = token
    sh.env |= {"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": "/other", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": "/other"}
    shows = (
        "import os; print(*(f'{name}={value}' for name, value in sorted(os.environ.items()) if name.startswith(('CLOUDSDK_AUTH', 'GOOGLE_OAUTH'))))"
    )
    said = await sh.process("run", "-c", "google/reports", "--no-mask", "--", sys.executable, "-c", shows)

    assert said.out == "CLOUDSDK_AUTH_ACCESS_TOKEN=ya29.canary GOOGLE_OAUTH_ACCESS_TOKEN=ya29.canary\n"


async def test_the_bundled_psql_is_found_last(sh: Shell):
    sh.env |= {"PATH": "/first:/second"}
    path = (await sh.process(*python("import os; print(os.environ['PATH'])"))).out.strip().split(":")

    assert path[:2] == ["/first", "/second"]
    assert len(path) == 3
    assert (Path(path[2]) / "psql").exists()


@pytest.mark.parametrize("code", [0, 2, 3, 77])
async def test_the_exit_code_is_the_childs(sh: Shell, code: int):
    assert (await sh.process(*python(f"raise SystemExit({code})"))).code == code
    assert revoked(sh) == [CREDENTIAL_ID]


async def test_what_cannot_be_started_has_its_own_code_and_is_given_back(sh: Shell, tmp_path: Path):
    plain = tmp_path / "plain"
    plain.write_text("no program")

    assert (await sh.process(*RUN, "no-such-program")).code == 127
    assert (await sh.process(*RUN, str(plain))).code == 126
    assert revoked(sh) == [CREDENTIAL_ID] * 2


async def test_a_denial_is_a_failure_of_run_and_the_child_is_never_started(sh: Shell, tmp_path: Path):
    sh.gateway.says["/oauth2/token"] = no("no_link", 400)
    said = await sh.process(*RUN, "touch", str(tmp_path / "ran"))

    assert said.code == 125
    assert "no_link" in said.err
    assert not (tmp_path / "ran").exists()


async def test_a_call_that_cannot_be_read_is_a_failure_of_run_too(sh: Shell):
    assert (await sh.process("run", "-c", "postgres/demo")).code == 125
    assert (await sh.process("run", "--nothing")).code == 125
    assert (await sh.process("run", "--url", "http://exchange.example", "-c", "postgres/demo", "--", "true")).code == 125


async def test_two_credentials_are_lent_and_both_are_given_back(sh: Shell):
    assert (await sh.process("run", "-c", "postgres/demo", "-c", "github/acme-bot", "--", "true")).code == 0
    assert len(revoked(sh)) == 2


async def test_the_first_is_given_back_where_the_second_is_denied(sh: Shell):
    lend = sh.gateway.lend
    sh.gateway.says["/oauth2/token"] = lambda asked: lend(asked) if asked.body["audience"] == "postgres/demo" else no("no_link", 400)(asked)

    assert (await sh.process("run", "-c", "postgres/demo", "-c", "github/acme-bot", "--", "true")).code == 125
    assert revoked(sh) == [CREDENTIAL_ID]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_goes_to_the_child_and_the_credential_dies_with_it(sh: Shell, number: signal.Signals):
    process = await sh.start(
        *python(f"import signal; signal.signal({number}, lambda *_: sys.exit(9)); {SLEEPS}".replace("import signal;", "import signal, sys;"))
    )
    assert process.stdout is not None
    await process.stdout.readline()
    said = await ended(process, number)

    assert said.code == 9
    assert revoked(sh) == [CREDENTIAL_ID]


async def test_a_child_that_a_signal_ends_says_which(sh: Shell):
    assert (await sh.process(*python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))).code == 137
    assert revoked(sh) == [CREDENTIAL_ID]


async def test_a_signal_before_the_child_is_there_gives_back_what_was_lent(sh: Shell, tmp_path: Path):
    lent, lend = asyncio.Event(), sh.gateway.lend

    def slow(asked: object) -> tuple[int, object]:
        lent.set()
        answer = lend(asked)  # type: ignore[arg-type]
        return (504, {"code": "late", "retryable": True}) if len(sh.gateway.at("/oauth2/token")) > 1 else answer

    sh.gateway.says["/oauth2/token"] = slow
    process = await sh.start("run", "-c", "postgres/demo", "-c", "github/acme-bot", "--timeout", "60", "--", "touch", str(tmp_path / "ran"))
    await lent.wait()
    while len(sh.gateway.at("/oauth2/token")) < 2:  # noqa: ASYNC110 it happens in another process
        await asyncio.sleep(0.01)
    said = await ended(process, signal.SIGTERM)

    assert said.code == 128 + signal.SIGTERM
    assert revoked(sh) == [CREDENTIAL_ID]
    assert not (tmp_path / "ran").exists()


async def test_a_credential_that_could_not_be_revoked_is_said_though_the_child_ended_well(sh: Shell):
    sh.gateway.says["/oauth2/revoke"] = no("unavailable", 503, retryable=False)
    said = await sh.process(*RUN, "true")

    assert said.code == 125
    assert "unavailable" in said.err


async def test_the_secret_is_in_no_argument(sh: Shell):
    process = await sh.start(*python(SLEEPS))
    assert process.stdout is not None
    await process.stdout.readline()
    arguments = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    await ended(process, signal.SIGTERM)

    assert any(b"counterfoil.cli.main" in one for one in arguments)
    assert not any(b"canary-of-the-secret" in one for one in arguments)
