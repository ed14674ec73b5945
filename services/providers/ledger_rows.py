"""The ledger's rows, as mint reads and writes them: one statement each, for as many as there are. All of it inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from counterfoil.contracts.exchange_minted import CredentialMinted
from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil_server.domain.intent import Earlier
from counterfoil_server.runtime.store.database import Connection
from services.providers.seam import Minted
from services.providers.wanted import Intent, Key, Wanted


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A call that answered: what was minted, and the fact that will say so if the swap holds, with its exact bytes."""

    intent: Intent
    minted: Minted
    said: CredentialMinted = field(repr=False)
    fact: bytes = field(repr=False)
    seal_2: bytes | None = field(repr=False)
    secret_digest: str = field(repr=False)


async def rows_of(db: Connection, wanted: Sequence[Wanted]) -> dict[Key, list[Earlier]]:
    rows = await db.fetch(
        "SELECT issuer, sub_hash, request_id, attempt, state, request_hash, wish_hash, credential_id, fact FROM mint "
        "JOIN unnest($1::text[], $2::text[], $3::uuid[]) AS w(issuer, sub_hash, request_id) USING (issuer, sub_hash, request_id) ORDER BY attempt",
        *zip(*(one.key for one in wanted), strict=True),
    )
    found: dict[Key, list[Earlier]] = {}
    for row in rows:
        found.setdefault((row["issuer"], row["sub_hash"], row["request_id"]), []).append(
            Earlier(row["attempt"], row["state"], row["request_hash"], row["wish_hash"], row["credential_id"], row["fact"])
        )
    return found


async def spend(db: Connection, wanted: Sequence[Wanted]) -> dict[str, str]:
    """Single-use tokens: the first request to get here has it."""
    uses = sorted(
        {one.who.token_use.digest: (one.grant.asked.request_hash, one.who.token_use.expires) for one in wanted if one.who.token_use}.items()
    )
    if not uses:
        return {}
    digests = [digest for digest, _ in uses]
    await db.execute(
        "INSERT INTO used_token (digest, request_hash, expires) SELECT d, h, to_timestamp(e) FROM unnest($1::text[], $2::text[], $3::bigint[]) "
        "AS u(d, h, e) ON CONFLICT DO NOTHING",
        digests,
        [use[0] for _, use in uses],
        [use[1] for _, use in uses],
    )
    rows = await db.fetch("SELECT digest, request_hash FROM used_token WHERE digest = ANY($1)", digests)
    return {row["digest"]: row["request_hash"] for row in rows}


async def insert(db: Connection, begun: Sequence[Intent]) -> set[UUID]:
    columns = [
        (
            one.wanted.grant.issuer,
            one.wanted.grant.sub_hash,
            one.wanted.grant.asked.request_id,
            one.attempt,
            one.credential_id,
            one.wanted.decision_hash,
            one.wanted.grant.asked.request_hash,
            one.wanted.grant.asked.wish_hash,
            one.epoch,
            one.wanted.provider.revocation.value,
            one.wanted.grant.connector,
            one.wanted.grant.installation,
            one.wanted.grant.project,
            one.wanted.grant.environment,
            one.wanted.grant.asked.deadline,
            one.wanted.provider.ends_by_itself,
            one.wanted.traceparent,
            one.wanted.grant.user,
            one.sent_at,
            one.window_closes_at,
            one.expires_at,
        )
        for one in begun
    ]
    rows = await db.fetch(
        "INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, epoch, class, connector, "
        "installation, project, environment, deadline, ends_by_itself, traceparent, user_digest, sent_at, window_closes_at, expires_at, state) "
        "SELECT u.*, 'minting' FROM unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::uuid[], $6::text[], $7::text[], $8::text[], "
        "$9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::bool[], $17::text[], "
        "$18::text[], $19::timestamptz[], $20::timestamptz[], $21::timestamptz[]) AS u ON CONFLICT DO NOTHING RETURNING credential_id",
        *zip(*columns, strict=True),
    )
    return {row["credential_id"] for row in rows}


async def activate(db: Connection, finished: Sequence[Finished]) -> set[UUID]:
    columns = [
        (
            one.intent.credential_id,
            one.intent.attempt,
            one.intent.epoch,
            one.minted.handle,
            {"scopes": sorted(one.minted.granted_scopes), "details": [dict(detail) for detail in one.minted.granted_details]},
            one.minted.expires_at,
            one.fact,
            one.seal_2,
            one.secret_digest,
        )
        for one in finished
    ]
    rows = await db.fetch(
        "UPDATE mint SET state = 'active', handle = f.handle, granted = f.granted, expires_at = f.expires_at, fact = f.fact, seal_2 = f.seal_2, "
        "secret_digest = f.secret_digest FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::jsonb[], $5::jsonb[], $6::timestamptz[], $7::bytea[], "
        "$8::bytea[], $9::text[]) AS f(id, attempt, epoch, handle, granted, expires_at, fact, seal_2, secret_digest) "
        "WHERE mint.credential_id = f.id AND mint.attempt = f.attempt AND mint.epoch = f.epoch AND mint.state = 'minting' "
        "RETURNING mint.credential_id",
        *zip(*columns, strict=True),
    )
    return {row["credential_id"] for row in rows}


async def keep_for_revoking(db: Connection, lost: Sequence[tuple[UUID, dict[str, object] | None, bytes | None]]) -> None:
    """Handle and second seal: what revoking will need, whatever state the row is in by now."""
    await db.execute(
        "UPDATE mint SET handle = f.handle, seal_2 = f.seal_2 FROM unnest($1::uuid[], $2::jsonb[], $3::bytea[]) AS f(id, handle, seal_2) "
        "WHERE mint.credential_id = f.id",
        *map(list, zip(*lost, strict=True)),
    )


async def end(db: Connection, ids: Sequence[UUID], cause: str, after: timedelta = timedelta()) -> None:
    """Order the end of credentials. The row is the outbox; the notification only a hint."""
    await db.execute("UPDATE mint SET state = 'revoking' WHERE credential_id = ANY($1) AND state IN ('minting', 'active', 'failed')", list(ids))
    await db.execute(
        "INSERT INTO revocation (id, credential_id, cause, next_at) SELECT u.id, u.credential_id, $3, clock_timestamp() + $4::interval "
        "FROM unnest($1::uuid[], $2::uuid[]) AS u(id, credential_id) ON CONFLICT DO NOTHING",
        [revocation_id(one) for one in ids],
        list(ids),
        cause,
        after,
    )
    await db.execute("SELECT pg_notify('revocation', '')")
