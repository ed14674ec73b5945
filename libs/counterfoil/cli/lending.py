"""What `run` does: lend, start the command, renew where that was asked for, and give everything back, however it ends."""

import asyncio
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from counterfoil.cli.child import Child, Signals, spawn
from counterfoil.cli.errands import Errand
from counterfoil.cli.exits import OWN_FAILURE, ChildEnded, say, told
from counterfoil.cli.held import given_back, lend
from counterfoil.cli.serving import Serving
from counterfoil.cli.session import Session
from counterfoil.cli.variables import Place, joined, secrets, variables, with_psql
from counterfoil.cli.wishes import Wanted
from counterfoil.client.client import Client
from counterfoil.client.credential import Credential
from counterfoil.client.errors import CounterfoilError

AHEAD, SHARE = 300.0, 0.2
"""Renewed this long before the end, or this part of the whole, whichever is less."""
AGAIN = 5.0
"""Seconds until a renewal that failed is tried again."""


@dataclass
class Lent:
    """One set of credentials, given back together."""

    variables: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    due: datetime | None = None
    """When the first of them should be renewed."""
    _held: list[Credential] = field(default_factory=list)

    async def add(self, cf: Client, place: Place, wish: Wanted) -> None:
        asked = datetime.now(UTC)
        credential = await lend(cf, place.connector, wish)
        self._held.append(credential)
        life = (credential.expires_at - asked).total_seconds()
        due = datetime.fromtimestamp(credential.expires_at.timestamp() - min(AHEAD, life * SHARE), UTC)
        self.due = due if self.due is None else min(due, self.due)
        self.variables |= variables(credential, place)
        self.secrets |= secrets(credential)

    async def give_back(self, cf: Client) -> bool:
        held, self._held = self._held, []
        return await given_back(cf, held)


class Lending:
    def __init__(self, cf: Client, errand: Errand, signals: Signals) -> None:
        self._cf, self._errand, self._signals = cf, errand, signals
        self.good = True
        """Whether everything was given back."""

    async def run(self) -> int:
        lent = await self._lend()
        try:
            while True:
                child = self._signals.child = await self._start(lent)
                code, fresh = await self._watched(child, lent)
                self._signals.child = None
                if fresh is None:
                    return code
                old, lent = lent, fresh
                self.good &= await old.give_back(self._cf)
                if self._signals.ending:
                    return code
        finally:
            self.good &= await lent.give_back(self._cf)

    async def _lend(self) -> Lent:
        lent = Lent()
        try:
            for place, wish in self._errand.wishes.items():
                await lent.add(self._cf, place, wish)
        except BaseException:
            self.good &= await lent.give_back(self._cf)
            raise
        return lent

    async def _start(self, lent: Lent) -> Child:
        env = joined(with_psql(dict(os.environ)), lent.variables)
        return await spawn(self._errand.command, env, lent.secrets, masked=self._errand.masked)

    async def _watched(self, child: Child, lent: Lent) -> tuple[int, Lent | None]:
        """Until it ends; or until fresh ones are there, and it was stopped for them."""
        left = (lent.due - datetime.now(UTC)).total_seconds() if lent.due and self._errand.refresh else None
        while (code := await child.end(None if left is None else max(0.0, left))) is None:
            try:
                fresh = await self._lend()
            except CounterfoilError as error:
                told(error)
                left = AGAIN if error.retryable else None
                say("counterfoil: no fresh credential; the command goes on with what it has")
                continue
            if not child.alive:  # it has ended meanwhile
                self.good &= await fresh.give_back(self._cf)
                return await child.stop(), None
            say("counterfoil: the command is restarted with a fresh credential")
            return await child.stop(), fresh
        return code, None


async def go(session: Session, transport: Literal["http", "kafka"], errand: Errand) -> int:
    with Signals() as signals:
        code, lending = OWN_FAILURE, None
        try:
            async with session.client(transport) as cf:
                lending = (Serving if errand.refresh == "endpoint" else Lending)(cf, errand, signals)
                code = await lending.run()
        except CounterfoilError as error:
            told(error)
        except ChildEnded as ended:
            code = ended.code
        except asyncio.CancelledError:
            return signals.code
        # The command may have ended well, and its credential be still alive.
        return code if lending is None or lending.good else code or OWN_FAILURE
