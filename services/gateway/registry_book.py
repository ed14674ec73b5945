"""The registry as /v1 reads and changes it: entries with what the fence knows of them, and a diff before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import ValidationError

from counterfoil.contracts.registry import Connector
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.envelope import fields
from counterfoil_server.runtime.snapshot import ENTRY, Entry, dumped
from counterfoil_server.runtime.store import locks, registry_rows
from counterfoil_server.runtime.store.database import Connection, Pool
from counterfoil_server.runtime.store.registry_rows import BadChange, Change, Note, Put, Remove
from services.gateway.problems import Problem

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A root secret on its way to mint, which alone can open it."""

    connector: str
    installation: str
    field: str
    version: int
    box: bytes

    @property
    def name(self) -> str:
        return f"{self.connector}/{self.field}"


@dataclass(frozen=True, slots=True)
class Applied:
    revision: int
    changes: list[dict[str, Any]]


class RolledBack(Exception):
    """Carries out of the transaction what would have been."""

    def __init__(self, applied: Applied) -> None:
        super().__init__()
        self.applied = applied


class RegistryBook:
    def __init__(self, db: Pool) -> None:
        self._db = db

    async def entries(self) -> tuple[int, dict[Key, Entry]]:
        async with self._db.acquire() as db:
            return await read(db)

    async def apply(self, puts: Sequence[Entry], secrets: Sequence[Sealed], actor: Actor, now: datetime, *, replace: bool, dry_run: bool) -> Applied:
        """All of it or nothing. A dry run does all of it, and takes it back: so it finds whatever would stand in the way."""
        try:
            async with self._db.acquire() as db, db.transaction():
                applied = await self._write(db, puts, secrets, actor, now, replace=replace)
                if dry_run:
                    raise RolledBack(applied)  # noqa: TRY301 - it is what rolls back
        except RolledBack as back:
            return back.applied
        except BadChange as error:
            raise Problem("bad_change", str(error)) from None
        except asyncpg.UniqueViolationError:
            raise Problem("version_conflict", "a secret of this version is there already") from None
        return applied

    async def _write(
        self, db: Connection, puts: Sequence[Entry], secrets: Sequence[Sealed], actor: Actor, now: datetime, *, replace: bool
    ) -> Applied:
        await locks.registry(db)
        _, before = await read(db)
        removed = gone(before, puts) if replace else []
        changes: list[Change] = [*(Remove(kind, name) for kind, name in removed), *map(Put, puts)]
        notes = [Note("secret_set", "secret", one.name, {"installation": one.installation, "version": one.version}) for one in secrets]
        revision = await registry_rows.apply(db, [*changes, *notes], actor, now)
        for one in secrets:
            await put_secret(db, one)
        return Applied(revision, diff(before, puts, removed) + [change("secret", one.name, "created") for one in secrets])

    async def remove(self, kind: str, name: str, actor: Actor, now: datetime) -> int:
        try:
            return await registry_rows.change(self._db, [Remove(kind, name)], actor, now)
        except BadChange as error:
            raise Problem("bad_change", str(error)) from None


async def read(db: Connection) -> tuple[int, dict[Key, Entry]]:
    """One statement, so one moment."""
    rows = await db.fetch("SELECT head.revision AS head, kind, name, entry FROM registry_head head LEFT JOIN registry_entry ON true")
    return rows[0]["head"], {(row["kind"], row["name"]): ENTRY.validate_python(row["entry"]) for row in rows if row["kind"]}


async def put_secret(db: Connection, one: Sealed) -> None:
    known = await db.fetchval("SELECT true FROM registry_entry WHERE kind = 'connector' AND name = $1", one.connector)
    if not known:
        raise BadChange(f"secret {one.name}: there is no connector {one.connector}")
    await db.execute(
        "INSERT INTO root_secret (connector, installation, field, version, sealed) VALUES ($1, $2, $3, $4, $5)",
        one.connector, one.installation, one.field, one.version, one.box,
    )  # fmt: skip


def gone(before: Mapping[Key, Entry], puts: Sequence[Entry]) -> list[Key]:
    """Links first: a connector leaves after what leads to it."""
    named = {(entry.kind, entry.name) for entry in puts}
    return sorted((key for key in before if key not in named), key=lambda key: (key[0] != "link", key))


def diff(before: Mapping[Key, Entry], puts: Sequence[Entry], removed: Sequence[Key]) -> list[dict[str, Any]]:
    def word(entry: Entry) -> str:
        old = before.get((entry.kind, entry.name))
        return "created" if old is None else "same" if old == entry else "changed"

    return [change(entry.kind, entry.name, word(entry)) for entry in puts] + [change(kind, name, "removed") for kind, name in removed]


def change(kind: str, name: str, word: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "change": word}


def entry(given: Any, place: str) -> Entry:
    """Says which member is wrong, and never what stood in it."""
    try:
        return ENTRY.validate_python(given)
    except ValidationError as error:
        raise Problem("malformed_request", f"{place}: {fields(error)}") from None


async def connector_rows(db: Pool) -> dict[str, dict[str, Any]]:
    """What the fence knows, with the latest version of each secret."""
    rows = await db.fetch("SELECT name, state, epoch, revision FROM connector")
    found: dict[str, dict[str, Any]] = {row["name"]: {**dict(row), "secrets": {}} for row in rows}
    for row in await db.fetch("SELECT connector, field, max(version) AS version FROM root_secret GROUP BY connector, field"):
        if row["connector"] in found:
            found[row["connector"]]["secrets"][row["field"]] = row["version"]
    return found


def connector_shown(declared: Connector, row: Mapping[str, Any]) -> dict[str, Any]:
    return {**dumped(declared), "state": row["state"], "epoch": row["epoch"], "revision": row["revision"], "secrets": row["secrets"]}
