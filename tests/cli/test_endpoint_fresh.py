"""counterfoil run --refresh endpoint: what botocore finds there is fresh in time, or it is said why not."""

import asyncio
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock
from uuid import UUID

import pytest

from counterfoil.cli import serving
from counterfoil.cli.endpoint import Endpoint
from counterfoil.cli.errands import Errand
from counterfoil.cli.variables import Place
from counterfoil.client.client import Client
from counterfoil.client.credential import Credential, Receipt
from counterfoil.client.errors import Denied
from counterfoil.wire.secret import Secret
from tests.cli.sessions import SHOWS, fetched, lending, lent, python, revoked, seen
from tests.cli.shell import Shell, ended
from tests.cli.stand_in import Asked, no

BOTOCORE = """
import os, time
from botocore.session import Session
session = Session()
credentials, seen = session.get_credentials(), []
print(credentials.method, session.get_config_variable("region"), flush=True)
while len(seen) < 3:
    found = credentials.get_frozen_credentials()
    if found.access_key not in seen:
        seen.append(found.access_key)
        print(found.access_key, found.secret_key, found.token, flush=True)
    time.sleep(0.05)
"""


async def test_botocore_finds_each_fresh_session_in_time_and_all_are_revoked(sh: Shell, tmp_path: Path):
    """And not what else lies about on the machine: its keys, its profiles."""
    lending(sh, timedelta(seconds=4))
    (tmp_path / ".aws").mkdir()
    for name in ("credentials", "config"):
        (tmp_path / ".aws" / name).write_text("[default]\naws_access_key_id = theirs\naws_secret_access_key = theirs\nregion = us-east-1\n")
    sh.env |= {"HOME": str(tmp_path), "AWS_PROFILE": "missing", "AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "theirs"}
    said = await sh.process(*python(BOTOCORE, "--no-mask"))

    assert (said.code, said.err) == (0, "")
    first, *sessions = [line.split() for line in said.out.splitlines()]
    numbers = [int(one[0].removeprefix("ASIA")) for one in sessions]
    assert first == ["container-role", "eu-central-1"]
    assert sessions == [[f"ASIA{number}", f"canary-secret-{number}", f"canary-session-{number}"] for number in numbers]
    assert numbers == sorted(set(numbers))
    assert revoked(sh) == lent(sh)


async def test_what_is_lent_later_is_blotted_out_too(sh: Shell):
    lending(sh, timedelta(seconds=4))
    said = await sh.process(*python(BOTOCORE + "print(open(os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']).read())"))

    assert said.code == 0, said
    assert "canary" not in said.out
    assert said.out.splitlines()[-1] == "***"


async def test_where_nothing_fresh_can_be_had_the_command_goes_on_to_its_end(sh: Shell):
    lender = lending(sh, timedelta(seconds=2))
    sh.gateway.says["/oauth2/token"] = lambda one: lender(one) if len(sh.gateway.at("/oauth2/token")) == 1 else no("no_link", 400)(one)
    process = await sh.start(*python(SHOWS))
    where = await seen(process)
    token = Path(where["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_text()
    async with asyncio.timeout(60):
        while (found := await fetched(where, token))[0] == 200:  # noqa: ASYNC110 it happens in another process
            await asyncio.sleep(0.1)
    said = await ended(process, signal.SIGTERM)

    assert (found[0], found[1]["code"]) == (503, "Ended")
    assert said.err.count("no_link") == 1
    assert "goes on with what it has" in said.err
    assert "canary" not in said.err
    assert len(revoked(sh)) == 1


async def test_what_was_asked_for_when_the_command_ended_is_given_back(sh: Shell, tmp_path: Path):
    lender, gone = lending(sh, timedelta(seconds=2)), tmp_path / "gone"

    def slow(one: Asked) -> tuple[int, Any]:
        while len(sh.gateway.at("/oauth2/token")) == 2 and not gone.exists():
            time.sleep(0.05)
        return lender(one)

    sh.gateway.says["/oauth2/token"] = slow
    said = await sh.process(*python(f"import time; time.sleep(2); open({str(gone)!r}, 'w'); raise SystemExit(7)"))

    assert said.code == 7
    assert len(lent(sh)) == 2
    assert revoked(sh) == lent(sh)


class Denying:
    """Thrice, and then no longer."""

    def __init__(self, fresh: Credential) -> None:
        self.asked, self.fresh = 0, fresh

    async def exchange(self, *_: object, **__: object) -> Credential:
        self.asked += 1
        if self.asked < 4:
            raise Denied("no_link", "words", fix="do this")
        return self.fresh


async def test_a_denial_is_told_once_and_asked_about_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(serving, "DENIED_PAUSE", timedelta(0))
    parts = {name: Secret(name) for name in ("access_key_id", "secret_access_key", "session_token")}
    ends = datetime.now(UTC) + timedelta(hours=1)
    fresh = Credential(UUID(int=1), UUID(int=2), "aws/reports", frozenset(), (), ends, "N_A", Receipt(0, "", None, "given"), Secret("a"), parts)
    endpoint, child, over, cf = Endpoint(replace(fresh, expires_at=datetime.now(UTC))), MagicMock(), asyncio.Event(), Denying(fresh)
    child.hide.side_effect = lambda _: over.set()
    errand = Errand(["true"], {Place("aws/reports"): {"scopes": (), "details": (), "lifetime": None}}, "endpoint", masked=True)
    await serving.Serving(cast("Client", cf), errand, MagicMock())._renewing(child, endpoint, over)

    assert (cf.asked, endpoint.credential) == (4, fresh)
    assert capsys.readouterr().err.count("no_link") == 1
