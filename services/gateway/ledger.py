"""The ledger as the gateway may read it: what is alive, whose it is, and how it ended. Never a handle's secret, never a seal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from counterfoil.contracts.revocation_requested import Predicate
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.subjects import lookup

MEMBERS = ("credential_id", "request_hash", "connector", "project", "environment", "issuer", "sub_hash", "since", "until")
MATCHING = """($1::uuid IS NULL OR credential_id = $1) AND ($2::text IS NULL OR request_hash = $2) AND ($3::text IS NULL OR connector = $3)
    AND ($4::text IS NULL OR project = $4) AND ($5::text IS NULL OR environment = $5) AND ($6::text IS NULL OR issuer = $6)
    AND ($7::text IS NULL OR sub_hash = $7) AND ($8::timestamptz IS NULL OR sent_at >= $8) AND ($9::timestamptz IS NULL OR sent_at < $9)"""
SHOWN = ("credential_id, request_id, connector, installation, project, environment, issuer, sub_hash, state, class, granted, ends_by_itself, sent_at,"
         " expires_at")  # fmt: skip
DEAD = frozenset({"revoked", "expired", "failed"})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows, and where the page before ended."""

    predicate: Predicate
    states: Sequence[str]
    limit: int
    after: tuple[Any, ...] | None = None


class Ledger:
    def __init__(self, db: Pool, lookup_key: Secret) -> None:
        self._db, self._lookup_key = db, lookup_key

    async def find(self, token: Secret) -> dict[str, Any] | None:
        """By the credential's public name, or by the credential itself: of that only a keyed digest was kept."""
        try:
            column, value = "credential_id", UUID(token.text())
        except ValueError:
            column, value = "secret_digest", lookup(self._lookup_key, token)  # type: ignore[assignment] # either is what its column holds
        row = await self._db.fetchrow(f"SELECT {SHOWN} FROM mint WHERE {column} = $1", value)  # noqa: S608 - one of two names
        return dict(row) if row else None

    async def owner(self, credential_id: UUID) -> tuple[str, str] | None:
        row = await self._db.fetchrow("SELECT issuer, sub_hash FROM mint WHERE credential_id = $1", credential_id)
        return (row["issuer"], row["sub_hash"]) if row else None

    async def state(self, credential_id: UUID) -> str:
        found: str = await self._db.fetchval("SELECT state FROM mint WHERE credential_id = $1", credential_id)
        return found

    async def page(self, wanted: Filter) -> list[dict[str, Any]]:
        """The newest first."""
        at, last = wanted.after or (None, None)
        rows = await self._db.fetch(
            f"SELECT {SHOWN} FROM mint WHERE state = ANY($10::text[]) AND {MATCHING}"  # noqa: S608 - no input stands in it
            " AND ($11::timestamptz IS NULL OR (sent_at, credential_id) < ($11, $12::uuid)) ORDER BY sent_at DESC, credential_id DESC LIMIT $13",
            *values(wanted.predicate), list(wanted.states), at, last, wanted.limit,
        )  # fmt: skip
        return [dict(row) for row in rows]


def values(predicate: Predicate) -> list[Any]:
    return [getattr(predicate, name) for name in MEMBERS]
