"""Revocations in the ledger: claim what is due, settle what was tried, publish what was settled. The row is the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import phases

Row = Mapping[str, Any]
LEASE = timedelta(seconds=15)
"""A claim that was not settled by then was a crash: it is tried again."""
SEAL_KEPT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one try ended. `fact` is None while it is simply tried again later. `until`: when what is uncertain is surely dead."""

    revocation_id: UUID
    credential_id: UUID
    state: str
    ledger: str
    next_at: datetime
    error: str | None
    fact: bytes | None = field(repr=False)
    until: datetime | None = None


class Settlements:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, ids: Sequence[UUID] | None, limit: int, but: Sequence[str] = ()) -> list[Row]:
        """What is due: of these orders just given, or of all that were given before; `but` nothing of these connectors."""
        which = "credential_id = ANY($1::uuid[])" if ids is not None else "ordered_at IS NOT NULL AND $1::uuid[] IS NULL"
        rows: list[Row] = await self._pool.fetch(
            f"UPDATE revocation r SET state = 'inflight', attempts = attempts + 1, next_at = clock_timestamp() + $3::interval "  # noqa: S608 - no input
            f"FROM (SELECT id, state AS before FROM revocation d WHERE {which} AND state IN ('pending', 'inflight', 'stuck', 'uncertain') "
            "AND next_at <= clock_timestamp() AND (cardinality($4::text[]) = 0 "
            "OR NOT EXISTS (SELECT FROM mint o WHERE o.credential_id = d.credential_id AND o.connector = ANY($4))) "
            "ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED) due, mint m "
            "WHERE r.id = due.id AND m.credential_id = r.credential_id "
            "RETURNING r.id, r.credential_id, r.cause, r.attempts, r.at, due.before, m.class, m.connector, m.installation, m.handle, m.seal_2, "
            "m.sent_at, m.expires_at, m.ends_by_itself, m.traceparent",
            ids,
            limit,
            LEASE,
            list(but),
        )
        return rows

    async def settle(self, settled: Sequence[Settlement]) -> None:
        """One transaction. The second seal goes with the credential it could revoke."""
        async with self._pool.acquire() as db, db.transaction():
            rows = await db.fetch(
                "UPDATE revocation r SET state = s.state, next_at = s.next_at, last_error = s.error, "
                "settled = coalesce(s.fact, r.settled), "
                "published_at = CASE WHEN s.fact IS NULL THEN r.published_at END "
                "FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::bytea[]) AS s(id, state, next_at, error, fact) "
                "WHERE r.id = s.id RETURNING r.at, s.state",
                [one.revocation_id for one in settled],
                [one.state for one in settled],
                [one.next_at for one in settled],
                [one.error for one in settled],
                [one.fact for one in settled],
            )
            await db.execute(
                "UPDATE mint m SET state = s.state, seal_2 = CASE WHEN s.state IN ('revoked', 'expired') THEN NULL ELSE m.seal_2 END, "
                "expires_at = coalesce(s.until, m.expires_at) "
                "FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS s(id, state, until) WHERE m.credential_id = s.id",
                [one.credential_id for one in settled],
                [one.ledger for one in settled],
                [one.until for one in settled],
            )
        phases.reached("confirmed", *(row["at"] for row in rows if row["state"] == "confirmed"))

    async def published(self, ids: Sequence[UUID]) -> None:
        await self._pool.execute("UPDATE revocation SET published_at = clock_timestamp() WHERE id = ANY($1::uuid[])", list(ids))

    async def unpublished(self, older: timedelta, limit: int = 500) -> list[Row]:
        """Settled by a process that died before it could say so."""
        rows: list[Row] = await self._pool.fetch(
            "SELECT id, settled FROM revocation WHERE settled IS NOT NULL AND published_at IS NULL AND next_at < clock_timestamp() - $1::interval "
            "OR settled IS NOT NULL AND published_at IS NULL AND state = 'confirmed' AND next_at < clock_timestamp() LIMIT $2",
            older,
            limit,
        )
        return rows

    async def found(self, revocation_id: UUID, credential_id: UUID, fact: bytes) -> None:
        """What the ledger never knew, and is dead by now. The row is the outbox, as always."""
        await self._pool.execute(
            "INSERT INTO revocation (id, credential_id, cause, state, attempts, settled) VALUES ($1, $2, 'orphan', 'confirmed', 1, $3) "
            "ON CONFLICT DO NOTHING",
            revocation_id,
            credential_id,
            fact,
        )

    async def forget_seals(self) -> None:
        """Of what ends by itself. The rest is ended with its seal, however long that takes, and the seal goes then."""
        await self._pool.execute(
            "UPDATE mint SET seal_2 = NULL WHERE seal_2 IS NOT NULL AND expires_at < clock_timestamp() - $1::interval "
            "AND (ends_by_itself OR state IN ('revoked', 'expired'))",
            SEAL_KEPT,
        )

    async def last_entry(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """Of what has left the registry: what it lent must die all the same."""
        row = await self._pool.fetchrow(
            "SELECT entry FROM registry_change WHERE entry_kind = $1 AND name = $2 AND entry IS NOT NULL ORDER BY revision DESC LIMIT 1", kind, name
        )
        return row["entry"] if row else None
