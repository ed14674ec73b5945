"""What people agreed to, and whose turn it is to use it: over all replicas one at a time, and what comes back is kept before it is used."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from counterfoil.wire import binding
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Connection, Pool
from services.providers.consenting import Kept, NeedsConsent
from services.providers.envelope import Envelope, Wrapped
from services.providers.seam import Unavailable

TURN = timedelta(seconds=10)
"""Longer than any call: a turn that is over and was not given back belonged to a process that is gone."""
LOOK = 0.025
"""Seconds between looks whether another process is done."""

WHOSE = "connector = $1 AND installation = $2 AND project = $3 AND environment = $4 AND user_digest = $5"
TAKE = f"""UPDATE user_grant SET turn = $6, turn_until = clock_timestamp() + $7::interval WHERE {WHOSE} AND turn IS NULL
AND (state = 'live' OR state = 'doubtful' AND next_at < clock_timestamp())
RETURNING *"""  # noqa: S608 - words of ours
OVERDUE = f"""UPDATE user_grant SET state = 'doubtful', turn = NULL, next_at = clock_timestamp() + $6::interval
WHERE {WHOSE} AND state IN ('live', 'doubtful') AND turn IS NOT NULL AND turn_until < clock_timestamp()"""  # noqa: S608
STANDS = f"SELECT state, turn, scopes FROM user_grant WHERE {WHOSE} AND state IN ('live', 'doubtful')"  # noqa: S608
MINE = "grant_id = $1 AND turn = $2 AND state IN ('live', 'doubtful')"
KEEP = f"""UPDATE user_grant SET turn = NULL, state = CASE state WHEN 'ending' THEN state ELSE 'live' END,
used_at = clock_timestamp(), version = version + 1, kek_id = $3, wrapped_key = $4, nonce = $5, box = $6,
kept_until = $7, kept_kek_id = $8, kept_wrapped_key = $9, kept_nonce = $10, kept_box = $11
WHERE grant_id = $1 AND turn = $2 AND (state = 'ending' OR {MINE}) RETURNING state = 'live'"""  # noqa: S608
GIVE_BACK = f"UPDATE user_grant SET turn = NULL, state = 'live', used_at = clock_timestamp() WHERE {MINE} RETURNING 1"  # noqa: S608
DOUBT = f"UPDATE user_grant SET turn = NULL, state = 'doubtful', next_at = clock_timestamp() + $3::interval WHERE {MINE}"  # noqa: S608
DESTROYED = """wrapped_key = NULL, nonce = NULL, box = NULL,
kept_until = NULL, kept_kek_id = NULL, kept_wrapped_key = NULL, kept_nonce = NULL, kept_box = NULL"""
OVER = f"UPDATE user_grant SET turn = NULL, state = 'ended', {DESTROYED} WHERE {MINE}"  # noqa: S608
REPLACE = f"""UPDATE user_grant SET turn = NULL, state = 'ended', {DESTROYED}
WHERE {WHOSE} AND state IN ('live', 'doubtful')"""  # noqa: S608
GIVE = """INSERT INTO user_grant
(connector, installation, project, environment, user_digest, grant_id, scopes, state, kek_id, wrapped_key, nonce, box)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'live', $8, $9, $10, $11)"""


@dataclass(frozen=True, slots=True)
class Whose:
    """One person, for one app, at one connector."""

    connector: str
    installation: str
    project: str
    environment: str
    user: str

    def key(self) -> tuple[str, str, str, str, str]:
        return self.connector, self.installation, self.project, self.environment, self.user


@dataclass(frozen=True, slots=True)
class Turn:
    """The refresh token, for the one whose turn it is, and what is kept beside it. `doubtful`: whether it is still good has to be asked first."""

    grant_id: UUID
    holder: UUID
    version: int
    scopes: frozenset[str]
    doubtful: bool
    refresh: Secret = field(repr=False)
    kept: Kept | None = None


class Grants:
    def __init__(self, db: Pool, envelope: Envelope) -> None:
        self._db, self._envelope = db, envelope
        self._queues: defaultdict[Whose, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def give(self, db: Connection, whose: Whose, grant_id: UUID, scopes: frozenset[str], refresh: Secret) -> None:
        """In the caller's transaction, in the place of what they gave before: its token is destroyed here. At the provider both may be one grant,
        so it is not ended there.
        """
        kept = self._envelope.wrap(refresh, binding.grant(grant_id, 1))
        await db.execute(REPLACE, *whose.key())
        await db.execute(GIVE, *whose.key(), grant_id, sorted(scopes), *columns(kept))

    @asynccontextmanager
    async def turn(self, whose: Whose, scopes: frozenset[str], window: timedelta) -> AsyncIterator[Turn]:
        """Waits for it as long as the caller does. Raises NeedsConsent; Unavailable where it has to be waited out whether the token is good.

        `window`: how long after it was sent a request can still take effect at the provider.
        """
        queue = self._queues[whose]
        async with queue:
            while (row := await self._take(whose, window)) is None:
                await self._stands(whose, scopes)
                await asyncio.sleep(LOOK)
            turn = self._of(row)
            if not scopes <= turn.scopes:
                await self.give_back(turn)
                raise beyond(scopes - turn.scopes)
            yield turn
        if not queue.locked():
            self._queues.pop(whose, None)

    async def _take(self, whose: Whose, window: timedelta) -> Mapping[str, Any] | None:
        await self._db.execute(OVERDUE, *whose.key(), window)
        row: Mapping[str, Any] | None = await self._db.fetchrow(TAKE, *whose.key(), uuid4(), TURN)
        return row

    async def _stands(self, whose: Whose, scopes: frozenset[str]) -> None:
        """Raises where there is nothing to wait for."""
        row = await self._db.fetchrow(STANDS, *whose.key())
        if row is None:
            raise NeedsConsent("no_grant", "the user has not agreed yet, or no longer")
        if not scopes <= frozenset(row["scopes"]):
            raise beyond(scopes - frozenset(row["scopes"]))
        if row["state"] == "doubtful" and row["turn"] is None:
            raise Unavailable("grant_doubtful", "an answer of the provider was lost: whether the user's grant is still good is found out in a moment")

    def _of(self, row: Mapping[str, Any]) -> Turn:
        refresh = self._envelope.unwrap(row, binding.grant(row["grant_id"], row["version"]))
        kept, doubtful = beside(self._envelope, row), row["state"] == "doubtful"
        return Turn(row["grant_id"], row["turn"], row["version"], frozenset(row["scopes"]), doubtful, refresh, kept)

    async def keep(self, turn: Turn, refresh: Secret | None, kept: Kept | None = None) -> bool:
        """Before anything of the answer is used. False: the grant was ended or replaced meanwhile, and what is in hand is nobody's.

        It is kept all the same where the grant is about to be ended at the provider: there the tokens before it may be dead.
        """
        if refresh is None and kept is None and turn.kept is None:
            return await self.give_back(turn)
        version = turn.version + 1
        lying = columns(self._envelope.wrap(refresh or turn.refresh, binding.grant(turn.grant_id, version)))
        if kept is None:
            aside: tuple[Any, ...] = (None,) * 5
        else:
            aside = (kept.until, *columns(self._envelope.wrap(kept.token, binding.kept(turn.grant_id, version))))
        return await self._db.fetchval(KEEP, turn.grant_id, turn.holder, *lying, *aside) is True

    async def give_back(self, turn: Turn) -> bool:
        """It was surely not used, or goes on."""
        return await self._db.fetchval(GIVE_BACK, turn.grant_id, turn.holder) is not None

    async def doubt(self, turn: Turn, window: timedelta) -> None:
        await self._db.execute(DOUBT, turn.grant_id, turn.holder, window)

    async def over(self, turn: Turn) -> None:
        await self._db.execute(OVER, turn.grant_id, turn.holder)


COLUMNS = ("kek_id", "wrapped_key", "nonce", "box")


def columns(kept: Wrapped) -> tuple[str, bytes, bytes, bytes]:
    return kept.kek_id, kept.wrapped_key, kept.nonce, kept.box


def beside(envelope: Envelope, row: Mapping[str, Any]) -> Kept | None:
    """None where there is none, where its time is over, or where it does not open: the refresh token is there for that."""
    if row["kept_box"] is None or row["kept_until"] <= datetime.now(UTC):
        return None
    try:
        token = envelope.unwrap({name: row[f"kept_{name}"] for name in COLUMNS}, binding.kept(row["grant_id"], row["version"]))
    except Unavailable:
        return None
    return Kept(token, row["kept_until"])


def beyond(missing: frozenset[str]) -> NeedsConsent:
    return NeedsConsent("beyond_grant", f"the user agreed to less: {', '.join(sorted(missing))[:512]} is missing")
