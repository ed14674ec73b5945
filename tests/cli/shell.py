"""The command line against a stand-in on this machine."""

import asyncio
import io
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest

from counterfoil.cli.main import main
from services.dev.issuer import LOOPBACK
from tests.cli.stand_in import StandIn
from tests.support.issuer import serving

TOKEN = "e30.eyJzdWIiOiJtZSIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUifQ.c2ln"
"""{"sub": "me", "iss": "https://issuer.example"}"""
PLATFORMS = (
    "ACTIONS_", "AWS_", "AZURE_", "BITBUCKET_", "BUILDKITE", "CIRCLE", "CLOUD_RUN_", "GCE_", "GITHUB_", "GITLAB_", "IDENTITY_", "K_SERVICE",
    "SPACELIFT", "SPIFFE_", "TFC_", "VERCEL", "XDG_CONFIG_HOME",
)  # fmt: skip
"""Whoever runs the tests is somebody: the command shall not be."""
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERFOIL_", "PG", *PLATFORMS))} | {"HOME": "/nowhere"}


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@dataclass
class Shell:
    gateway: StandIn
    url: str
    env: dict[str, str] = field(default_factory=lambda: {"COUNTERFOIL_ID_TOKEN": TOKEN})

    async def start(self, *argv: str, program: tuple[str, ...] = ("-m", "counterfoil.cli.main")) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-P", *program, *argv)
        env = CLEAN | {"COUNTERFOIL_URL": self.url} | self.env
        return await asyncio.create_subprocess_exec(*command, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)

    async def process(self, *argv: str) -> Said:
        """As a user has it."""
        return await ended(await self.start(*argv))

    async def __call__(self, *argv: str) -> Said:
        """The same within this process, which is ten times as quick."""
        return await asyncio.to_thread(self._within, argv)

    def _within(self, argv: tuple[str, ...]) -> Said:
        out, err = io.StringIO(), io.StringIO()
        env = CLEAN | {"COUNTERFOIL_URL": self.url} | self.env
        with redirect_stdout(out), redirect_stderr(err), patch.dict(os.environ, env, clear=True), pytest.raises(SystemExit) as done:
            main(argv)
        return Said(int(done.value.code or 0), out.getvalue(), err.getvalue())


async def ended(process: asyncio.subprocess.Process, number: signal.Signals | None = None) -> Said:
    if number is not None:
        process.send_signal(number)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def shell() -> AsyncIterator[Shell]:
    gateway, listening = StandIn(), socket.create_server((LOOPBACK, 0))
    async with serving(gateway.app(), listening):
        yield Shell(gateway, f"http://{LOOPBACK}:{listening.getsockname()[1]}")
