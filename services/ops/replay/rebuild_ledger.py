"""The ledger's states, as far as facts say: what was minted, and how its end came out. Compared with the rows, page by page."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from counterfoil_server.runtime.store.database import Connection

PAGE = 2000
ROWS = """SELECT credential_id, state, connector, installation, project, environment, sent_at < clock_timestamp() - interval '60 seconds' AS old
    FROM mint WHERE credential_id > $1 ORDER BY credential_id LIMIT $2"""
ENDS = {"credential.revoked": "ended", "revocation.stuck": "stuck", "revocation.uncertain": "uncertain"}
ABOUT = ("connector", "installation", "project", "environment")
ALIVE = frozenset({"active", "revoking", "stuck", "uncertain", "revoked", "expired"})
ALLOWED: Mapping[str, frozenset[str]] = {
    "minted": ALIVE,
    "stuck": ALIVE - {"active"},
    "uncertain": ALIVE - {"active"},
    "ended": frozenset({"revoked", "expired"}),
}
"""By what facts say: where the row may be. It may be ahead of the log, which is told of it later; it may not be behind."""
WITHOUT_FACT = frozenset({"minting", "failed"})


class Ledger:
    """About 300 bytes of memory for each credential."""

    def __init__(self) -> None:
        self._told: dict[bytes, str] = {}
        self._about: dict[bytes, int] = {}
        self.rows = 0
        self.ahead: Counter[str] = Counter()

    def take(self, fact: Mapping[str, Any]) -> None:
        kind = fact.get("kind")
        if kind == "credential.minted":
            key = UUID(fact["credential_id"]).bytes
            self._told.setdefault(key, "minted")
            self._about[key] = hash(tuple(fact[name] for name in ABOUT))
        elif kind in ENDS:
            key = UUID(fact["credential_id"]).bytes
            if self._told.get(key) != "ended":
                self._told[key] = ENDS[kind]

    @property
    def credentials(self) -> int:
        return len(self._told)

    async def compare(self, db: Connection) -> list[str]:
        found: list[str] = []
        after = UUID(int=0)
        while rows := await db.fetch(ROWS, after, PAGE):
            after = rows[-1]["credential_id"]
            self.rows += len(rows)
            for row in rows:
                found += self._row(row)
        return found + [f"credential {UUID(bytes=key)} is {told} by the log, and in no row of the ledger" for key, told in self._told.items()]

    def _row(self, row: Any) -> Iterator[str]:
        key = row["credential_id"].bytes
        told, about = self._told.pop(key, None), self._about.pop(key, None)
        if told is None:
            if row["state"] not in WITHOUT_FACT and row["old"]:
                yield f"credential {row['credential_id']} is {row['state']} in the ledger, and no leaf tells of it"
            return
        if row["state"] not in ALLOWED[told]:
            yield f"credential {row['credential_id']} is {told} by the log, and {row['state']} in the ledger"
        elif told == "minted" and row["state"] != "active":
            self.ahead[row["state"]] += 1
        if about is not None and about != hash(tuple(row[name] for name in ABOUT)):
            yield f"credential {row['credential_id']} is another's in the ledger: connector, installation, project or environment differ"
