"""The registry's one way in at /v1: a diff before anything is written, under the lock that every change of it takes."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from counterfoil.contracts.registry import Connector, Installation, Issuer, Link, Operator
from counterfoil.contracts.revocation_requested import Actor
from counterfoil_server.runtime.snapshot import Entry
from counterfoil_server.runtime.store import locks, registry_rows
from counterfoil_server.runtime.store.database import Connection, Pool
from counterfoil_server.runtime.store.registry_rows import BadChange, Change, Note, Put, Remove
from services.gateway.catalog import Catalog
from services.gateway.problems import Problem
from services.gateway.registry_read import Held, Key, Moment, concerned
from services.gateway.sealed_secrets import Sealed, put_secret
from services.gateway.vetting import vet


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change as it is asked for. `hold` raises Problem where what is there is not what the caller saw. `one`: at that entry's own address."""

    puts: Sequence[Entry] = ()
    removes: Sequence[Key] = ()
    secrets: Sequence[Sealed] = ()
    replace: bool = False
    dry_run: bool = False
    hold: Callable[[Moment], None] = field(default=lambda _: None)
    one: bool = False

    @property
    def keys(self) -> list[Key]:
        return [*self.removes, *((entry.kind, entry.name) for entry in self.puts)]

    @property
    def connectors(self) -> set[str]:
        """Those whose links and installations have to be looked at."""
        named = {entry.connector for entry in self.puts if isinstance(entry, Installation | Link)} | {one.connector for one in self.secrets}
        return (
            named
            | {name for kind, name in self.keys if kind == "connector"}
            | {name.partition("@")[0] for kind, name in self.keys if kind == "installation"}
        )

    @property
    def callers(self) -> bool:
        return any(isinstance(entry, Issuer | Operator) for entry in self.puts) or any(kind in ("issuer", "operator") for kind, _ in self.removes)


@dataclass(frozen=True, slots=True)
class Applied:
    """`tags`: the revision of each entry that was put, as it is now."""

    revision: int
    changes: list[dict[str, Any]]
    tags: Mapping[Key, int] = field(default_factory=dict)


class RegistryBook:
    def __init__(self, db: Pool, catalog: Catalog) -> None:
        self._db, self._catalog = db, catalog

    async def apply(self, wanted: Wanted, actor: Actor, now: datetime) -> Applied:
        """All of it or nothing. A dry run does all of it, and takes it back: so it finds whatever would stand in the way."""
        for entry in wanted.puts:
            if isinstance(entry, Connector):
                self._catalog.check(f"connector {entry.name}", entry.provider, entry.config)
        for one in wanted.secrets:
            self._catalog.check_secret(one.connector, one.field)
        try:
            async with changing(self._db, dry_run=wanted.dry_run) as db:
                return await self._write(db, wanted, actor, now)
        except BadChange as error:
            raise Problem("bad_change", str(error)) from None
        except asyncpg.UniqueViolationError:
            raise Problem("version_conflict", "a secret of this version is there already") from None

    async def _write(self, db: Connection, wanted: Wanted, actor: Actor, now: datetime) -> Applied:
        await locks.registry(db)
        before = await concerned(db, wanted.keys, wanted.connectors, everything=wanted.replace, callers=wanted.callers)
        gone_too = there(before, wanted.removes)  # RFC 9110, section 13.2.1: what would be a 404 without them is one with preconditions
        wanted.hold(before)
        removed = [*gone_too, *(gone(before.held, wanted.puts) if wanted.replace else [])]
        after = vet(before, wanted.puts, removed, self._catalog)
        changes: list[Change] = [*(Remove(kind, name) for kind, name in removed), *map(Put, wanted.puts)]
        notes = [Note("secret_set", "secret", one.name, {"installation": one.installation, "version": one.version}) for one in wanted.secrets]
        revision = await registry_rows.apply(db, [*changes, *notes], actor, now)
        for one in wanted.secrets:
            await put_secret(db, one, after)
        said = diff(before.held, wanted.puts, removed) + [change("secret", one.name, "created") for one in wanted.secrets]
        return Applied(revision, said, await tags(db, wanted.puts))


class TakenBack(Exception):
    """Ends the transaction of a dry run."""


THINKING = "SET LOCAL idle_in_transaction_session_timeout = '10s'"
"""Thousands of entries are thought over between two statements, and nobody waits for that but who would change the registry too."""


@asynccontextmanager
async def changing(pool: Pool, *, dry_run: bool) -> AsyncIterator[Connection]:
    """A transaction; that of a dry run leaves nothing."""
    with suppress(TakenBack):
        async with pool.acquire() as db, db.transaction():
            await db.execute(THINKING)
            yield db
            if dry_run:
                raise TakenBack


async def tags(db: Connection, puts: Sequence[Entry]) -> dict[Key, int]:
    kinds, names = [entry.kind for entry in puts], [entry.name for entry in puts]
    found = "SELECT kind, name, revision FROM registry_entry WHERE (kind, name) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
    return {(row["kind"], row["name"]): row["revision"] for row in await db.fetch(found, kinds, names)}


def there(before: Moment, keys: Sequence[Key]) -> Sequence[Key]:
    for kind, name in keys:
        if (kind, name) not in before.held:
            raise Problem("not_found", f"there is no such {kind}")
    return keys


def gone(before: Mapping[Key, Held], puts: Sequence[Entry]) -> list[Key]:
    """A connector leaves after what leads to it."""
    named = {(entry.kind, entry.name) for entry in puts}
    return sorted((key for key in before if key not in named), key=lambda key: (key[0] not in ("link", "installation"), key))


def diff(before: Mapping[Key, Held], puts: Sequence[Entry], removed: Sequence[Key]) -> list[dict[str, Any]]:
    def word(entry: Entry) -> str:
        old = before.get((entry.kind, entry.name))
        return "created" if old is None else "same" if old.entry == entry else "changed"

    return [change(entry.kind, entry.name, word(entry)) for entry in puts] + [change(kind, name, "removed") for kind, name in removed]


def change(kind: str, name: str, word: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "change": word}
