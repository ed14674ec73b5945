"""Sessions as an AWS connector lends them, and a command that says where it finds its own."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID

from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.wire.armor import to_url
from counterfoil.wire.opening_key import OpeningKey
from tests.cli.shell import Shell
from tests.cli.stand_in import Asked
from tests.client.answers import asked, minted

SHOWS = """
import os, sys, time, json
names = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
print(json.dumps({name: os.environ[name] for name in names} | {"pid": os.getpid(), "token": None}), flush=True)
time.sleep(60)
"""


@dataclass
class Lender:
    """Each exchange lends another session, that lives so long."""

    sh: Shell
    life: timedelta
    parts: bool = True

    def __call__(self, one: Asked) -> tuple[int, Any]:
        number = len(self.sh.gateway.at("/oauth2/token"))
        digest, key = f"{number:064x}", to_url(OpeningKey.generate().public).decode()
        fact = minted(asked(UUID(one.body["request_id"]), digest, key), self.sh.gateway.town.box(digest, key))
        fact |= {"connector": one.body["audience"], "expires_at": (datetime.now(UTC) + self.life).isoformat()}
        parts = {"access_key_id": f"ASIA{number}", "secret_access_key": f"canary-secret-{number}", "session_token": f"canary-session-{number}",
                 "region": "eu-central-1"}  # fmt: skip
        found = {"access_token": f"canary-session-{number}", "token_type": "N_A", "credential": parts if self.parts else {}}
        receipt = self.sh.gateway.town.receipt(self.sh.gateway.town.append(fact))
        return 200, found | {"credential_id": str(credential_id(digest, 1)), "receipt": receipt}


def lending(sh: Shell, life: timedelta = timedelta(hours=1), *, parts: bool = True) -> Lender:
    lender = Lender(sh, life, parts)
    sh.gateway.says["/oauth2/token"] = lender
    return lender


def python(code: str, *options: str) -> tuple[str, ...]:
    return ("run", "-c", "aws/reports", "--refresh", "endpoint", *options, "--", sys.executable, "-c", code)


def revoked(sh: Shell) -> set[str]:
    return {one.body["token"] for one in sh.gateway.at("/oauth2/revoke")}


def lent(sh: Shell) -> set[str]:
    return {str(credential_id(f"{number:064x}", 1)) for number in range(1, len(sh.gateway.at("/oauth2/token")) + 1)}


async def seen(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(await process.stdout.readline())
    return found


async def fetched(where: Mapping[str, Any], token: str | None, path: str = "") -> tuple[int, dict[str, Any], str | None]:
    def ask() -> tuple[int, dict[str, Any], str | None]:
        request = Request(where["AWS_CONTAINER_CREDENTIALS_FULL_URI"] + path, headers={} if token is None else {"Authorization": token})  # noqa: S310 ours
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310 ours
                return answer.status, json.load(answer), answer.headers["Cache-Control"]
        except HTTPError as error:
            return error.code, json.load(error), error.headers["Cache-Control"]

    return await asyncio.to_thread(ask)
