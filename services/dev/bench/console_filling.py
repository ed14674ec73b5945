"""The bench's database: a log, a ledger, a tally and spans, put in by COPY, and the tree's head signed by the town's own log key."""

import json
import pickle
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from counterfoil.contracts.base import named
from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.wire.log_key import LogKey
from counterfoil_server.runtime import key_folder
from services.dev.bench.console_indexes import away
from services.dev.bench.console_log import ORDERED, Book, Grown, Lent, mint
from services.dev.bench.console_made import Sort
from services.dev.bench.console_making import PART, made
from services.dev.bench.console_spans import COLUMNS, spans
from services.dev.bench.recorded import ACTOR
from services.dev.trouble import Say

DAYS, LEFT = 7, 20
"""How long the exchanges took; credentials that are stuck, and as many that are uncertain."""
MINT = (
    "issuer", "sub_hash", "request_id", "attempt", "credential_id", "decision_hash", "request_hash", "wish_hash", "state", "epoch", "class",
    "connector", "installation", "project", "environment", "handle", "granted", "deadline", "ends_by_itself", "sent_at",
    "window_closes_at", "expires_at",
)  # fmt: skip
REVOCATION = ("id", "credential_id", "cause", "order_id", "state", "attempts", "at", "next_at", "last_error", "ordered_at", "settled", "published_at")
HEAD = """INSERT INTO audit_head (size, edge, last_leaf, checkpoint) VALUES ($1, $2, $3, $4)
    ON CONFLICT (one) DO UPDATE SET size = excluded.size, edge = excluded.edge, last_leaf = excluded.last_leaf, checkpoint = excluded.checkpoint"""
ORDER = "INSERT INTO revocation_order (id, actor, predicate, cause, at, accepted, published_at, ordered_at) VALUES ($1, $2, $3, $4, $5, $6, $5, $5)"
ENDED = "UPDATE mint SET state = new.state FROM unnest($1::uuid[], $2::text[]) AS new(id, state) WHERE credential_id = new.id"


async def prepared(db: asyncpg.Connection) -> None:
    """JSON in a COPY goes in PostgreSQL's own binary form: a version, and the text. What is so much at once needs no checkpoint each gigabyte."""
    await db.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=lambda one: b"\x01" + json.dumps(one).encode(), decoder=lambda one: json.loads(one[1:])
    )
    for setting in ("synchronous_commit = off", "maintenance_work_mem = '1GB'"):
        await db.execute(f"SET {setting}")
    await db.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
    await db.execute("SELECT pg_reload_conf()")


class Filling:
    def __init__(self, sorts: Sequence[Sort], exchanges: int, live: int) -> None:
        self.began, self.took = datetime.now(UTC) - timedelta(days=DAYS), 0.0
        self.lifetime = timedelta(days=DAYS * 1.3 * live / exchanges + 0.1)
        self.book = Book(sorts, live, self.lifetime)
        self.ended: list[UUID] = []
        self._exchanges, self._step, self._filled = exchanges, timedelta(days=DAYS) / exchanges, False

    async def open(self, dsn: str, database: str, keys: Path, origin: str) -> None:
        self._db, self._origin = await asyncpg.connect(dsn, database=database), origin
        _, secret = next(iter(key_folder.each(keys / "audit", "log")))
        self._key = LogKey(origin, secret.reveal())
        await prepared(self._db)

    @property
    def requests(self) -> list[UUID]:
        return [named("bench", str(number)) for number in range(self._exchanges)]

    @property
    def orders(self) -> list[UUID]:
        return [named("bench-order", str(number // ORDERED)) for number in range(0, self._exchanges, ORDERED)]

    def remember(self, file: Path) -> None:
        file.write_bytes(pickle.dumps({name: value for name, value in vars(self).items() if name not in ("_db", "_key", "_origin")}))

    def remembered(self, file: Path) -> bool:
        if file.exists():
            vars(self).update(pickle.loads(file.read_bytes()))  # noqa: S301 - our own, of the run before
        return file.exists()

    async def fill(self, say: Say) -> None:
        """A process makes the next part while PostgreSQL takes the last one. Indexes come at the end, which takes a third of the time."""
        began, done, indexes = time.monotonic(), 0, await away(self._db)
        async for part in made(self.book, self.began, self._step, self._exchanges):
            if isinstance(part, Book):
                self.book = part
                break
            await self.put(part)
            done += PART
            if done // PART % 20 == 0:
                say(f"{done:,} of {self._exchanges:,} exchanges, {time.monotonic() - began:.0f} s")
        await self._rest()
        say(f"Indexes, {time.monotonic() - began:.0f} s")
        for statement in indexes:
            await self._db.execute(statement)
        await self._db.execute("VACUUM ANALYZE")
        self.took = time.monotonic() - began

    async def close(self) -> None:
        await self._db.close()

    async def put(self, grown: Grown) -> None:
        """All or nothing, the head with it, as audit's writer does."""
        size, root = grown.edge.size, grown.edge.root()
        async with self._db.transaction():
            await self._copy("audit_leaf", ("idx", "fact_id", "fact_hash", "leaf_hash", "bytes"), grown.leaves)
            await self._copy("audit_about", ("id", "idx"), grown.about)
            await self._copy("audit_tile", ("level", "idx", "hash"), grown.tiles)
            await self._lent(grown)
            await self._copy("revocation", REVOCATION, [revocation(one, at, "confirmed") for one, at in grown.ended])
            await self._db.execute(HEAD, size, grown.edge.to_bytes(), grown.last, self._key.sign(self._origin, size, root))
        self.ended += [one.credential for one, _ in grown.ended]

    async def _lent(self, grown: Grown) -> None:
        """What is alive in the end is in the ledger only then; from there on as it comes."""
        if self._filled:
            await self._copy("mint", MINT, [mint(one, "active", self.lifetime) for one in grown.lent])
            await self._db.execute(ENDED, [one.credential for one, _ in grown.ended], [state(one) for one, _ in grown.ended])
        else:
            await self._copy("mint", MINT, [mint(one, state(one), self.lifetime) for one, _ in grown.ended])

    async def _copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await self._db.copy_records_to_table(table, records=rows, columns=columns)

    async def _rest(self) -> None:
        """What is alive, and all that is not of one exchange."""
        alive, self._filled = list(self.book.alive), True
        left = {one.credential: "stuck" if at < LEFT else "uncertain" for at, one in enumerate(alive[: 2 * LEFT])}
        await self._copy("mint", MINT, [mint(one, left.get(one.credential, "active"), self.lifetime) for one in alive])
        await self._copy("revocation", REVOCATION, [revocation(one, one.at, left[one.credential]) for one in alive if one.credential in left])
        for _ in left:
            self.book.alive.popleft()  # they do not end in time
        await self._ordered()
        rows = [(*key, count) for key, count in self.book.tally.items()]
        await self._copy("console_tally", ("hour", "connector", "outcome", "code", "count"), rows)
        await self._db.execute("UPDATE console_tally_head SET next_idx = $1", self.book.edge.size)
        await self._db.execute("INSERT INTO audit_published (size, checkpoint) SELECT size, checkpoint FROM audit_head")
        await self._db.execute("INSERT INTO heartbeat (role, at, caught_up_to) VALUES ('audit', clock_timestamp(), clock_timestamp())")
        for back in range(-1, 4):
            await self._db.execute("SELECT span_day(current_date - $1::int)", back)
        await self._copy("span", COLUMNS, spans(self.requests, self.began, self._step))

    async def _ordered(self) -> None:
        for number, order in enumerate(self.orders):
            at, given = self.began + number * ORDERED * self._step, {"project": "acme/app-000"}
            accepted = {"blocked": str(order), "live": ORDERED // 10}
            await self._db.execute(ORDER, order, ACTOR.model_dump(mode="json"), given, "bench", at, accepted)


def state(lent: Lent) -> str:
    return "expired" if lent.order is None else "revoked"


def revocation(lent: Lent, at: datetime, state: str) -> tuple[object, ...]:
    over, cause = state == "confirmed", "expired" if lent.order is None else "requested"
    told, error = (at, None) if over else (None, "the provider did not answer")
    return revocation_id(lent.credential), lent.credential, cause, lent.order, state, 1, at, at, error, at, b"{}" if over else None, told
