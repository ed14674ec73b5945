"""Who is signed in: by the cookie, while the row stands and the gateway still calls them an operator."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store.database import Pool
from services.console.gateway import Gateway, Refused
from services.console.operator import Operator
from services.console.sessions.cookie import Held, Jar, fresh, octets, text
from services.console.sessions.rows import Row, Rows
from services.console.sessions.standing import NoOperator, Standing, for_now, standing

LONGEST = timedelta(hours=8)
CHECKED = timedelta(seconds=30)
"""For how long what the gateway said is believed: a removed operator is out of the console after this."""
OUTAGE = timedelta(minutes=5)
"""For how long it is where the gateway cannot be asked, which is when a console is looked at most."""
PATIENCE, SWEPT = 3.0, 60.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whoever the issuer has just signed in. `state`: of the login, which is good once and until `state_ends_at`."""

    token: Secret = field(repr=False)
    name: str
    signed_in_at: datetime
    token_ends_at: datetime
    state: str
    state_ends_at: datetime


class Used(Exception):
    """This login was finished before."""


class Sessions:
    def __init__(self, db: Pool, gateway: Gateway, now: Clock, url: str) -> None:
        self._rows, self._gateway, self._now, self._jar = Rows(db), gateway, now, Jar.of("counterfoil-session", url)
        self._asking: dict[bytes, asyncio.Task[Standing]] = {}

    async def operator(self, request: Request) -> Operator | None:
        held = self._held(request)
        if held is None or (row := await self._rows.find(held.id, self._now())) is None:
            return None
        token = held.open(row.token)
        if token is None:
            return None
        checked = await self._checked(row, token)
        if checked is None:
            await self._rows.end(held.id)
            return None
        return Operator(row.name, checked.role, checked.may, token, held.csrf, row.signed_in_at, row.ends_at)

    async def begin(self, request: Request, arrival: Arrival, answer: Response) -> None:
        """In the place of the session that this browser had. Raises NoOperator, Used, and Refused where the gateway could not say."""
        now, held = self._now(), fresh()
        found = await standing(self._gateway, arrival.token, now)
        ends_at = min(arrival.token_ends_at, now + LONGEST)
        row = Row(held.id, held.seal(arrival.token), arrival.name, found.role, found.may, arrival.signed_in_at, now, ends_at)
        if not await self._rows.begin(row, arrival.state, arrival.state_ends_at):
            raise Used
        if (before := self._held(request)) is not None:
            await self._rows.end(before.id)
        self._jar.put(answer, text(held.secret.reveal()), int((ends_at - now).total_seconds()))

    async def end(self, request: Request, answer: Response) -> None:
        if (held := self._held(request)) is not None:
            await self._rows.end(held.id)
        self._jar.clear(answer)

    async def sweep(self) -> None:
        """Runs for ever."""

        async def turn(_: int) -> None:
            await self._rows.sweep(self._now())

        await forever("sessions", turn, SWEPT)

    def _held(self, request: Request) -> Held | None:
        given = octets(self._jar.read(request))
        return None if given is None else Held(Secret(given))

    async def _checked(self, row: Row, token: Secret) -> Standing | None:
        """None: no longer an operator, or the token is no longer good."""
        known, now = Standing(row.role, row.may), self._now()
        if now - row.checked_at < CHECKED:
            return known
        try:
            return await self._asked(row, token, now)
        except NoOperator:
            return None
        except (Refused, TimeoutError) as no:
            return known if for_now(no) and now - row.checked_at < OUTAGE else None

    async def _asked(self, row: Row, token: Secret, now: datetime) -> Standing:
        """Once for all that this browser asks for at the same time."""
        if (flight := self._asking.get(row.id)) is None:
            flight = self._asking[row.id] = asyncio.create_task(self._ask(row.id, token, now))
            flight.add_done_callback(lambda _: self._asking.pop(row.id, None))
        return await asyncio.shield(flight)

    async def _ask(self, id_: bytes, token: Secret, now: datetime) -> Standing:
        async with asyncio.timeout(PATIENCE):
            found = await standing(self._gateway, token, now)
        await self._rows.check(id_, found, now)
        return found
