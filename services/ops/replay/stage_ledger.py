"""The ledger, read for replay: rows of the mint table, in statements that change nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from counterfoil.contracts.exchange_minted import CredentialMinted
from counterfoil_server.runtime.store.database import Connection

Key = tuple[str, str, UUID]
ROWS = """
    SELECT issuer, sub_hash, request_id, attempt, state, request_hash, credential_id, epoch, connector, installation, project, environment, sent_at
    FROM mint JOIN unnest($1::text[], $2::text[], $3::uuid[]) AS w(issuer, sub_hash, request_id) USING (issuer, sub_hash, request_id)
    ORDER BY attempt
"""
SAME = ("issuer", "sub_hash", "attempt", "epoch", "connector", "installation", "project", "environment")
NOT_MINTED = frozenset({"minting", "failed"})


@dataclass(frozen=True, slots=True)
class Row:
    issuer: str
    sub_hash: str
    request_id: UUID
    attempt: int
    state: str
    request_hash: str
    credential_id: UUID
    epoch: int
    connector: str
    installation: str
    project: str
    environment: str
    sent_at: datetime

    @property
    def key(self) -> Key:
        return self.issuer, self.sub_hash, self.request_id

    def unlike(self, fact: CredentialMinted) -> list[str]:
        """What of it is another than the fact says."""
        found = [name for name in SAME if getattr(self, name) != getattr(fact, name)]
        return found + (["state"] if self.state in NOT_MINTED else [])


class Ledger(Protocol):
    async def rows(self, keys: Iterable[Key]) -> dict[Key, list[Row]]: ...


class InDatabase:
    def __init__(self, db: Connection) -> None:
        self._db = db

    async def rows(self, keys: Iterable[Key]) -> dict[Key, list[Row]]:
        wanted: Sequence[Key] = sorted(set(keys))
        found: dict[Key, list[Row]] = {}
        for raw in await self._db.fetch(ROWS, *(map(list, zip(*wanted, strict=True)) if wanted else ([], [], []))):
            row = Row(**dict(raw))
            found.setdefault(row.key, []).append(row)
        return found
