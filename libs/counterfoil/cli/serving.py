"""What `run --refresh endpoint` does: the command is not restarted, its AWS SDKs ask us. The fresh is lent ahead, all is revoked at the end."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

from counterfoil.cli.aws import document
from counterfoil.cli.child import Child, Signals, spawn
from counterfoil.cli.endpoint import Endpoint
from counterfoil.cli.errands import Errand
from counterfoil.cli.exits import say, told
from counterfoil.cli.held import given_back, lend
from counterfoil.cli.variables import joined, regions, secrets, with_psql
from counterfoil.client.client import Client
from counterfoil.client.credential import Credential
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.freshness import pause

AHEAD, SHARE = timedelta(minutes=20), 0.5
"""SDKs look for a fresh one 15 minutes before the end: it is there by then. Of a life that is too short for that, a half."""
FORGOTTEN = timedelta(hours=1)
"""After its end. Not at once: our clock may be ahead of the exchange's."""
DENIED_PAUSE = timedelta(minutes=1)
"""Until what was denied is asked for again: somebody may have thought better of it."""


class Serving:
    def __init__(self, cf: Client, errand: Errand, signals: Signals) -> None:
        self._cf, self._errand, self._signals = cf, errand, signals
        self._held: list[Credential] = []
        """The newest last. Those before it may be in use yet."""
        self._due = datetime.now(UTC)
        self.good = True
        """Whether everything was given back."""

    async def run(self) -> int:
        try:
            with Endpoint(await self._lend()) as endpoint:
                child = self._signals.child = await self._start(endpoint)
                over = asyncio.Event()
                renewing = asyncio.ensure_future(self._renewing(child, endpoint, over))
                code = await child.end()
            over.set()
            await renewing  # what it has asked for comes yet, and is given back too
            self._signals.child = None
        finally:
            self.good = await given_back(self._cf, self._held)
        return code or 0

    async def _lend(self) -> Credential:
        ((place, wish),) = self._errand.wishes.items()
        asked = datetime.now(UTC)
        credential = await lend(self._cf, place.connector, wish, lambda one: document(one.parts(), one.expires_at))
        self._held = [*(one for one in self._held if one.expires_at + FORGOTTEN > asked), credential]
        self._due = credential.expires_at - min(AHEAD, (credential.expires_at - asked) * SHARE)
        return credential

    async def _start(self, endpoint: Endpoint) -> Child:
        env = joined(with_psql(dict(os.environ)), endpoint.variables | regions(endpoint.credential.parts()))
        return await spawn(self._errand.command, env, secrets(endpoint.credential) | {endpoint.token}, masked=self._errand.masked)

    async def _renewing(self, child: Child, endpoint: Endpoint, over: asyncio.Event) -> None:
        failures, said = 0, ""
        while not await happened(over, self._due):
            try:
                fresh = await self._lend()
            except CounterfoilError as error:
                failures += 1
                if error.code != said:
                    told(error)
                    ends = endpoint.credential.expires_at.astimezone(UTC)
                    say(f"counterfoil: no fresh credential; the command goes on with what it has until {ends:%H:%M:%S} UTC")
                said = error.code
                self._due = datetime.now(UTC) + (pause(failures, error.retry_after) if error.retryable else DENIED_PAUSE)
                continue
            failures, said = 0, ""
            child.hide(secrets(fresh))
            endpoint.credential = fresh


async def happened(event: asyncio.Event, by: datetime) -> bool:
    try:
        async with asyncio.timeout(max(0.0, (by - datetime.now(UTC)).total_seconds())):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
