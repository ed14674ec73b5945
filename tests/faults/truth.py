"""What really was minted and really is dead: the provider's own durable record, which nothing of ours writes and the checker believes."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

TABLES = """
    CREATE TABLE IF NOT EXISTS life (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, token TEXT NOT NULL UNIQUE, connector TEXT NOT NULL,
        minted_at REAL NOT NULL, dies_at REAL, ended_at REAL
    );
    CREATE INDEX IF NOT EXISTS by_name ON life (name);
    CREATE TABLE IF NOT EXISTS cut (principal TEXT PRIMARY KEY, at REAL NOT NULL);
"""
LIVING = "ended_at IS NULL AND (dies_at IS NULL OR dies_at > ?)"
COLUMNS = {"name": "name", "token": "token", "principal": "connector"}
"""By what one can be ended, and the column that has it."""


@dataclass(frozen=True, slots=True)
class Life:
    """One credential at the provider. `dies_at`: when it ends by itself, if it does; `ended_at`: when it was revoked."""

    name: UUID
    connector: str
    minted_at: float
    dies_at: float | None = None
    ended_at: float | None = None

    def alive(self, at: float) -> bool:
        ends = [one for one in (self.dies_at, self.ended_at) if one is not None]
        return self.minted_at <= at and all(at < one for one in ends)


class Truth:
    """`name` stands there of every life, so that the checker can tell whose it is; who knows no names does not let it be asked for."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(TABLES)

    def mint(self, name: str, token: str, connector: str, dies_at: float | None) -> None:
        self._db.execute(
            "INSERT INTO life (name, token, connector, minted_at, dies_at) VALUES (?, ?, ?, ?, ?)", (name, token, connector, time.time(), dies_at)
        )

    def known(self, name: str) -> bool:
        """A name is never given twice, not even after its credential is dead."""
        return self._db.execute("SELECT 1 FROM life WHERE name = ?", (name,)).fetchone() is not None

    def alive(self, means: str, of: str, since: float) -> bool:
        """Of a principal: whether it was not cut since then."""
        if means == "principal":
            return self._db.execute("SELECT 1 FROM cut WHERE principal = ? AND at >= ?", (of, since)).fetchone() is None
        sql = f"SELECT 1 FROM life WHERE {COLUMNS[means]} = ? AND {LIVING}"  # noqa: S608 - ours
        return self._db.execute(sql, (of, time.time())).fetchone() is not None

    def end(self, means: str, of: str) -> None:
        now = time.time()
        self._db.execute("BEGIN")
        self._db.execute(f"UPDATE life SET ended_at = ? WHERE {COLUMNS[means]} = ? AND {LIVING}", (now, of, now))  # noqa: S608 - ours
        if means == "principal":
            self._db.execute("INSERT INTO cut VALUES (?, ?) ON CONFLICT (principal) DO UPDATE SET at = excluded.at", (of, now))
        self._db.execute("COMMIT")

    def lives(self) -> list[Life]:
        found = self._db.execute("SELECT name, connector, minted_at, dies_at, ended_at FROM life ORDER BY number")
        return [Life(UUID(name), *rest) for name, *rest in found]
