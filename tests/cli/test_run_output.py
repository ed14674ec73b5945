"""counterfoil run: several connectors, masked output, and a command that is restarted with a fresh credential."""

import asyncio
import json
import os
import pty
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.wire.armor import to_url
from counterfoil.wire.opening_key import OpeningKey
from tests.cli.shell import CLEAN, Shell, ended
from tests.cli.stand_in import Asked, no
from tests.client.answers import asked, minted

SECRET = "canary-of-the-secret"
LOOP = "import sys, time; print('up', flush=True); time.sleep(60)"


def python(code: str, *options: str) -> tuple[str, ...]:
    return ("run", "-c", "postgres/demo", *options, "--", sys.executable, "-c", code)


def lending(sh: Shell, life: timedelta) -> None:
    """Each exchange lends another credential, that lives so long."""

    def lend(asked_: Asked) -> tuple[int, Any]:
        number = len(sh.gateway.at("/oauth2/token"))
        digest, key = f"{number:064x}", to_url(OpeningKey.generate().public).decode()
        fact = minted(asked(UUID(asked_.body["request_id"]), digest, key), sh.gateway.town.box(digest, key))
        fact |= {"connector": asked_.body["audience"], "expires_at": (datetime.now(UTC) + life).isoformat()}
        found = {"access_token": f"token-number-{number}", "token_type": "N_A", "credential": {}, "credential_id": str(credential_id(digest, 1))}
        return 200, found | {"receipt": sh.gateway.town.receipt(sh.gateway.town.append(fact))}

    sh.gateway.says["/oauth2/token"] = lend


def revoked(sh: Shell) -> int:
    return len({one.body["token"] for one in sh.gateway.at("/oauth2/revoke")})


async def until(what: Any) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 it happens in another process
            await asyncio.sleep(0.02)


async def test_lent_values_are_blotted_out_of_what_goes_to_no_terminal(sh: Shell):
    code = "import os, sys; print(os.environ['DATABASE_URL'], os.environ['PGUSER']); print(os.environ['PGPASSWORD'], file=sys.stderr)"
    said = await sh.process(*python(code))

    assert (said.code, said.out, said.err) == (0, "*** cf_1\n", "***\n")


async def test_a_value_that_is_written_in_two_parts_is_blotted_out_too(sh: Shell):
    code = f"import sys, time; [(sys.stdout.write(part), sys.stdout.flush(), time.sleep(.3)) for part in ('a {SECRET[:8]}', '{SECRET[8:]} b')]"

    assert (await sh.process(*python(code))).out == "a *** b"


async def test_a_lot_of_output_comes_whole_and_in_order(sh: Shell):
    said = await sh.process(*python("import sys; [print(n, file=sys.stdout) for n in range(200_000)]"))

    assert said.out == "".join(f"{n}\n" for n in range(200_000))


async def test_whom_the_command_leaves_behind_is_not_waited_for(sh: Shell):
    said = await sh.process("run", "-c", "postgres/demo", "--", "sh", "-c", "sleep 600 & echo $! done")

    assert said.out.endswith(" done\n")
    os.kill(int(said.out.split()[0]), signal.SIGKILL)
    assert revoked(sh) == 1


async def test_a_reader_that_goes_away_ends_the_command_as_it_would_have_without_us(sh: Shell):
    process = await sh.start(*python("import itertools\nfor n in itertools.count(): print(n)"))
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]
    async with asyncio.timeout(60):
        assert process.stderr is not None
        err = await process.stderr.read()
        code = await process.wait()

    assert code not in (0, 125)
    assert b"output was lost" not in err
    assert revoked(sh) == 1


async def started(sh: Shell, *argv: str, **outputs: Any) -> asyncio.subprocess.Process:
    command = (sys.executable, "-P", "-m", "counterfoil.cli.main", *argv)
    env = CLEAN | {"COUNTERFOIL_URL": sh.url} | sh.env
    return await asyncio.create_subprocess_exec(*command, env=env, stdin=asyncio.subprocess.DEVNULL, **outputs)


async def test_what_goes_to_one_place_stays_in_its_order(sh: Shell):
    code = "import os; [os.write(1 + n % 2, b'%d\\n' % n) for n in range(2000)]"
    process = await started(sh, *python(code), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    out, _ = await process.communicate()

    assert out.decode().split() == [str(n) for n in range(2000)]


async def test_output_that_cannot_be_written_is_told_and_the_credential_still_given_back(sh: Shell):
    with Path("/dev/full").open("wb") as full:
        process = await started(sh, "run", "-c", "postgres/demo", "--", "sh", "-c", "echo a; exit 3", stdout=full, stderr=asyncio.subprocess.PIPE)
    _, err = await process.communicate()

    assert process.returncode == 3
    assert b"output was lost: No space left on device" in err
    assert revoked(sh) == 1


async def test_a_terminal_is_the_commands_own(sh: Shell):
    ours, theirs = pty.openpty()
    argv = (sys.executable, "-P", "-m", "counterfoil.cli.main", *python("import os, sys; print(sys.stdout.isatty(), os.environ['PGPASSWORD'])"))
    env = CLEAN | {"COUNTERFOIL_URL": sh.url} | sh.env
    process = await asyncio.create_subprocess_exec(*argv, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    await process.wait()
    said = os.read(ours, 4096).decode()
    os.close(ours)

    assert said == f"True {SECRET}\r\n"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGQUIT])
async def test_every_other_signal_reaches_the_command(sh: Shell, number: signal.Signals):
    process = await sh.start(*python(f"import signal, sys; signal.signal({number:d}, lambda *_: sys.exit(9)); {LOOP}"))
    assert process.stdout is not None
    await process.stdout.readline()

    assert (await ended(process, number)).code == 9
    assert revoked(sh) == 1


async def test_scopes_may_be_for_one_of_several_and_a_variable_may_be_chosen(sh: Shell):
    lending(sh, timedelta(minutes=5))
    options = ("-c", "MY_TOKEN=github/acme-bot", "--repo", "acme/site", "--permission", "contents:read", "-s", "postgres/demo=read", "--no-mask")
    said = await sh.process(*python("import os; print(os.environ['POSTGRES_TOKEN'], os.environ['MY_TOKEN'])", *options))
    first, second = (one.body for one in sh.gateway.at("/oauth2/token"))

    assert said.out == "token-number-1 token-number-2\n"
    assert (first["scope"], "authorization_details" in first) == ("read", False)
    assert second["scope"] == "contents:read"
    assert json.loads(second["authorization_details"]) == [{"type": "github", "repositories": ["acme/site"]}]


async def test_two_for_the_same_variable_are_refused(sh: Shell):
    said = await sh.process("run", "-c", "github/one", "-c", "github/two", "--", "true")

    assert said.code == 125
    assert "-c NAME=github/two" in said.err
    assert sh.gateway.asked == []


async def test_the_command_is_restarted_with_a_fresh_credential_and_the_old_one_is_revoked(sh: Shell, tmp_path: Path):
    lending(sh, timedelta(seconds=3))
    seen = tmp_path / "seen"
    code = f"import os, time; print(os.environ['POSTGRES_TOKEN'], file=open({str(seen)!r}, 'a'), flush=True); time.sleep(60)"
    process = await sh.start(*python(code, "--refresh", "restart"))
    await until(lambda: seen.exists() and len(seen.read_text().splitlines()) >= 3)
    said = await ended(process, signal.SIGTERM)

    numbers = [int(line.removeprefix("token-number-")) for line in seen.read_text().splitlines()]

    assert numbers == sorted(set(numbers))
    assert said.code == 128 + signal.SIGTERM
    assert revoked(sh) == len(sh.gateway.at("/oauth2/token"))


async def test_a_command_that_ends_while_the_fresh_one_is_lent_is_not_begun_anew(sh: Shell, tmp_path: Path):
    lending(sh, timedelta(seconds=2))
    lend, gone = sh.gateway.says["/oauth2/token"], tmp_path / "gone"

    def slow(one: Asked) -> tuple[int, Any]:
        while len(sh.gateway.at("/oauth2/token")) == 2 and not gone.exists():
            time.sleep(0.05)
        time.sleep(1 if gone.exists() else 0)
        return lend(one)

    sh.gateway.says["/oauth2/token"] = slow
    code = f"import time; time.sleep(2); print('ended'); open({str(gone)!r}, 'w'); raise SystemExit(7)"
    said = await sh.process(*python(code, "--refresh", "restart"))

    assert (said.code, said.out) == (7, "ended\n")
    assert "restarted" not in said.err
    assert revoked(sh) == len(sh.gateway.at("/oauth2/token"))


async def test_where_nothing_fresh_can_be_had_the_command_goes_on(sh: Shell):
    lending(sh, timedelta(seconds=2))
    lend = sh.gateway.says["/oauth2/token"]
    sh.gateway.says["/oauth2/token"] = lambda one: lend(one) if len(sh.gateway.at("/oauth2/token")) == 1 else no("no_link", 400)(one)
    said = await sh.process(*python("import time; time.sleep(4); print('ended by itself')", "--refresh", "restart"))

    assert (said.code, said.out) == (0, "ended by itself\n")
    assert "no_link" in said.err
    assert revoked(sh) == 1
