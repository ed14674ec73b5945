"""Migrations: numbered SQL files, each run once, in order, under a lock, and never changed afterwards."""

import hashlib
from pathlib import Path

from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import Connection

FOLDER = Path(__file__).parent / "migrations"


class Changed(RuntimeError):
    """A migration that ran already is not the file that lies there now."""


async def migrate(db: Connection) -> list[str]:
    """Run what has not run yet, as the database's owner. Returns the names of what ran."""
    ran = []
    async with db.transaction():
        await db.execute("SELECT pg_advisory_xact_lock($1, $2)", locks.SINGLETONS, locks.MIGRATIONS)
        await db.execute("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, sha256 text NOT NULL, at timestamptz NOT NULL DEFAULT now())")
        known = {row["name"]: row["sha256"] for row in await db.fetch("SELECT name, sha256 FROM migration")}
        for file in sorted(FOLDER.glob("*.sql")):
            found = hashlib.sha256(file.read_bytes()).hexdigest()
            if file.name not in known:
                await db.execute(file.read_text())
                await db.execute("INSERT INTO migration (name, sha256) VALUES ($1, $2)", file.name, found)
                ran.append(file.name)
            elif known[file.name] != found:
                raise Changed(f"{file.name} has changed since it ran: write a new migration instead")
    return ran
