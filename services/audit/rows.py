"""The audit log's tables: every statement on them, what goes into a row, and what a row becomes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.wire.merkle import Edge
from services.audit.batch import Batch, Leaf, Standing
from services.audit.leaves import NONE_BEFORE


@dataclass(frozen=True, slots=True)
class Head:
    """All that a writer has to know of the log: O(log n)."""

    edge: Edge
    last: bytes
    checkpoint: str


Roots = Mapping[tuple[int, int], bytes]
"""Of full tiles, by level and index."""
NOTHING = Head(Edge(), NONE_BEFORE, "")


HEAD = """
    SELECT head.size, head.edge, head.last_leaf, head.checkpoint, last.idx AS last_idx, last.leaf_hash AS last_hash
    FROM (SELECT) AS one LEFT JOIN audit_head AS head ON true
    LEFT JOIN (SELECT idx, leaf_hash FROM audit_leaf ORDER BY idx DESC LIMIT 1) AS last ON true
"""
# Two questions in one, since each round trip costs more than its answer: which of these facts are leaves, and which of these requests were answered.
KNOWN = """
    SELECT l.fact_id, l.fact_hash, l.idx, l.leaf_hash, l.bytes,
           NULL AS request_hash, NULL AS outcome, NULL AS proof, NULL::timestamptz AS deadline, NULL::uuid AS credential_id, NULL::bytea AS minted
    FROM audit_leaf AS l WHERE l.fact_id = ANY($1::uuid[])
    UNION ALL
    SELECT NULL, r.fact_hash, r.idx, l.leaf_hash, l.bytes, r.request_hash, r.outcome, r.proof, r.deadline, r.credential_id,
           (SELECT m.fact FROM mint AS m WHERE m.credential_id = r.credential_id)
    FROM reply AS r JOIN audit_leaf AS l USING (idx) WHERE r.request_hash = ANY($2::text[])
"""
# Where the head is not the one that this writer left, nothing is written at all: every insert takes its rows from `head`.
APPEND = """
    WITH head AS (
        INSERT INTO audit_head (size, edge, last_leaf, checkpoint) VALUES ($2, $3, $4, $5)
        ON CONFLICT (one) DO UPDATE
            SET size = excluded.size, edge = excluded.edge, last_leaf = excluded.last_leaf, checkpoint = excluded.checkpoint
            WHERE audit_head.size = $1
        RETURNING size
    ), leaf AS (
        INSERT INTO audit_leaf (idx, fact_id, fact_hash, leaf_hash, bytes)
        SELECT $1::bigint + place - 1, fact_id, fact_hash, leaf_hash, bytes
        FROM head, unnest($6::uuid[], $7::bytea[], $8::bytea[], $9::bytea[]) WITH ORDINALITY AS new(fact_id, fact_hash, leaf_hash, bytes, place)
    ), answer AS (
        INSERT INTO reply (request_hash, fact_hash, outcome, idx, proof, deadline, credential_id, box)
        SELECT request_hash, fact_hash, outcome, idx, proof, deadline, credential_id, outcome = 'minted'
        FROM head, unnest($10::text[], $11::bytea[], $12::text[], $13::bigint[], $14::text[], $15::timestamptz[], $16::uuid[])
            AS new(request_hash, fact_hash, outcome, idx, proof, deadline, credential_id)
    ), text AS (
        INSERT INTO subject (sub_hash, box) SELECT new.sub_hash, new.box FROM head, unnest($17::text[], $18::bytea[]) AS new(sub_hash, box)
        ON CONFLICT DO NOTHING
    ), dead AS (
        INSERT INTO revocation (id, credential_id, cause)
        SELECT id, credential_id, 'undelivered' FROM head, unnest($19::uuid[], $20::uuid[]) AS new(id, credential_id)
        ON CONFLICT DO NOTHING
    ), tile AS (
        INSERT INTO audit_tile (level, idx, hash)
        SELECT new.level, new.idx, new.hash FROM head, unnest($22::smallint[], $23::bigint[], $24::bytea[]) AS new(level, idx, hash)
    ), about AS (
        INSERT INTO audit_about (id, idx)
        SELECT new.id, $1::bigint + place - 1 FROM head, unnest($25::uuid[]) WITH ORDINALITY AS new(id, place) WHERE new.id IS NOT NULL
    ), beat AS (
        INSERT INTO heartbeat (role, at, caught_up_to) SELECT 'audit', clock_timestamp(), coalesce($21::timestamptz, 'epoch') FROM head
        ON CONFLICT (role) DO UPDATE SET at = excluded.at, caught_up_to = greatest($21, heartbeat.caught_up_to)
    )
    SELECT EXISTS (SELECT FROM head) AS appended, CASE WHEN cardinality($19::uuid[]) > 0 THEN pg_notify('revocation', '') END AS notified
"""
DELIVERED = "UPDATE reply SET delivered = clock_timestamp() WHERE request_hash = ANY($1::text[]) AND delivered IS NULL"
HEARTBEAT = """
    INSERT INTO heartbeat (role, at, caught_up_to) VALUES ('audit', clock_timestamp(), coalesce($1::timestamptz, 'epoch'))
    ON CONFLICT (role) DO UPDATE SET at = excluded.at, caught_up_to = greatest($1, heartbeat.caught_up_to)
"""


def arguments(
    head: Head, grown: Head, batch: Batch, leaves: Sequence[Leaf], standing: Sequence[Standing], caught_up_to: datetime | None, roots: Roots
) -> list[object]:
    """Of APPEND, in its order."""
    subjects = {entry.cause.fact.sub_hash: entry.subject_box for entry in batch.new if isinstance(entry.cause.fact, IdentityVerified)}
    dead = sorted(batch.undelivered)
    return [
        head.edge.size, grown.edge.size, grown.edge.to_bytes(), grown.last, grown.checkpoint,
        [entry.fact_id for entry in batch.new], [entry.fact_hash for entry in batch.new], [one.hash for one in leaves], [one.bytes for one in leaves],
        [one.request_hash for one in standing], [one.fact_hash for one in standing], [one.outcome for one in standing],
        [one.leaf.index for one in standing], [one.proof for one in standing], [one.deadline for one in standing],
        [one.credential_id for one in standing],
        list(subjects), list(subjects.values()), [revocation_id(one) for one in dead], dead, caught_up_to,
        [level for level, _ in roots], [at for _, at in roots], list(roots.values()), [entry.about for entry in batch.new],
    ]  # fmt: skip


def head(row: Any) -> Head:
    return NOTHING if row["size"] is None else Head(Edge.from_bytes(row["edge"]), row["last_leaf"], row["checkpoint"])


def leaf(row: Any) -> Leaf:
    return Leaf(row["idx"], row["leaf_hash"], row["bytes"])


def standing(row: Any) -> Standing:
    """A leaf holds mint's box by its hash only; the ledger has the exact fact with the box in it."""
    fact = json.loads(row["bytes"])["fact"]
    exact = row["minted"] is not None and hashlib.sha256(row["minted"]).digest() == row["fact_hash"]
    box = json.loads(row["minted"])["box"] if exact else None
    return Standing(row["request_hash"], row["outcome"], row["deadline"], row["fact_hash"], leaf(row), row["proof"], fact, row["credential_id"], box)
