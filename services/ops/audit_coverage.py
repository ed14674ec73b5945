"""Ledger and log, joined both ways: each has what the other says. One statement, and so one moment of both."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from counterfoil_server.runtime.store.database import Connection

MOST = 1000
"""Rows that are listed of one kind."""
GRACE = timedelta(seconds=60)
"""What is younger may be on its way: the ledger is written first, the log when the fact has come through Kafka."""

# `leaf` reads each leaf once. Where a row of a table has to have a leaf, its fact's id and hash say which, without reading any.
COVERAGE = """
WITH leaf AS MATERIALIZED (
    SELECT idx, fact_id, fact ->> 'kind' AS kind, (fact ->> 'credential_id')::uuid AS credential_id,
           fact -> 'asked' ->> 'request_hash' AS request_hash
    FROM audit_leaf, LATERAL (SELECT convert_from(bytes, 'UTF8')::jsonb -> 'fact' AS fact) AS read
), since AS (SELECT clock_timestamp() - $1::interval AS until)
SELECT * FROM (
    SELECT 'credential_without_leaf' AS kind, credential_id::text AS name, 'active in the ledger, and no leaf says that it was minted' AS message
    FROM mint AS m, since WHERE state = 'active' AND sent_at < since.until
        AND NOT EXISTS (SELECT FROM leaf WHERE leaf.kind = 'credential.minted' AND leaf.credential_id = m.credential_id)
    LIMIT $2) AS a
UNION ALL SELECT * FROM (
    SELECT 'row_without_leaf', credential_id::text, state || ' in the ledger, and no leaf names it or its request'
    FROM mint AS m, since WHERE state <> 'active' AND window_closes_at < since.until
        AND NOT EXISTS (SELECT FROM leaf WHERE leaf.credential_id = m.credential_id)
        AND NOT EXISTS (SELECT FROM leaf WHERE m.state IN ('failed', 'minting') AND leaf.request_hash = m.request_hash)
    LIMIT $2) AS b
UNION ALL SELECT * FROM (
    SELECT 'leaf_without_credential', credential_id::text, 'leaf ' || idx || ' says that it was minted, and the ledger does not have it'
    FROM leaf WHERE kind = 'credential.minted' AND NOT EXISTS (SELECT FROM mint AS m WHERE m.credential_id = leaf.credential_id)
    LIMIT $2) AS c
UNION ALL SELECT * FROM (
    SELECT 'order_without_leaf', id::text, 'its credential was ordered to end, and no leaf says so'
    FROM revocation AS r, since WHERE ordered_at < since.until
        AND NOT EXISTS (SELECT FROM leaf WHERE leaf.kind = 'revocation.ordered' AND leaf.credential_id = r.credential_id)
    LIMIT $2) AS d
UNION ALL SELECT * FROM (
    SELECT 'settlement_without_leaf', id::text, state || ' in the ledger, and the log does not have this very fact'
    FROM revocation AS r, since WHERE settled IS NOT NULL AND coalesce(published_at, at) < since.until
        AND NOT EXISTS (SELECT FROM audit_leaf AS l WHERE l.fact_id = (convert_from(r.settled, 'UTF8')::jsonb ->> 'id')::uuid
                        AND l.fact_hash = sha256(r.settled))
    LIMIT $2) AS e
UNION ALL SELECT * FROM (
    SELECT 'leaf_without_revocation', credential_id::text, 'leaf ' || idx || ' says ' || kind || ', and the ledger has no such revocation'
    FROM leaf WHERE kind IN ('revocation.ordered', 'credential.revoked', 'revocation.stuck', 'revocation.uncertain')
        AND NOT EXISTS (SELECT FROM revocation AS r WHERE r.credential_id = leaf.credential_id)
    LIMIT $2) AS f
UNION ALL SELECT * FROM (
    SELECT 'answer_without_leaf', request_hash, 'was answered with leaf ' || idx || ', which is not the leaf of that fact'
    FROM reply AS a WHERE NOT EXISTS (SELECT FROM audit_leaf AS l WHERE l.idx = a.idx AND l.fact_hash = a.fact_hash)
    LIMIT $2) AS g
UNION ALL SELECT * FROM (
    SELECT 'change_without_leaf', revision::text, change || ' of the registry, and no leaf says so'
    FROM registry_change AS c, since WHERE at < since.until AND NOT EXISTS (SELECT FROM audit_leaf AS l WHERE l.fact_id = c.id)
    LIMIT $2) AS h
UNION ALL SELECT * FROM (
    SELECT 'leaf_without_change', fact_id::text, 'leaf ' || idx || ' tells of a change of the registry that it does not have'
    FROM leaf WHERE kind = 'registry.changed' AND NOT EXISTS (SELECT FROM registry_change AS c WHERE c.id = leaf.fact_id)
    LIMIT $2) AS i
UNION ALL SELECT * FROM (
    SELECT 'request_without_leaf', id::text, 'an end was ordered, and no leaf says so'
    FROM revocation_order AS o, since WHERE at < since.until AND NOT EXISTS (SELECT FROM audit_leaf AS l WHERE l.fact_id = o.id)
    LIMIT $2) AS j
UNION ALL SELECT * FROM (
    SELECT 'leaf_without_request', fact_id::text, 'leaf ' || idx || ' tells of an order that was never given'
    FROM leaf WHERE kind = 'revocation.requested' AND NOT EXISTS (SELECT FROM revocation_order AS o WHERE o.id = leaf.fact_id)
    LIMIT $2) AS k
"""
COUNTS = """SELECT (SELECT size FROM audit_head) AS leaves, (SELECT count(*) FROM mint) AS credentials,
    (SELECT count(*) FROM revocation) AS revocations, (SELECT count(*) FROM reply) AS answers, (SELECT count(*) FROM registry_change) AS changes"""


@dataclass(frozen=True, slots=True)
class Covered:
    counts: dict[str, int]
    missing: list[dict[str, Any]]


async def covered(db: Connection, grace: timedelta = GRACE) -> Covered:
    async with db.transaction(isolation="repeatable_read", readonly=True):
        counts = await db.fetchrow(COUNTS)
        rows = await db.fetch(COVERAGE, grace, MOST)
    return Covered({name: value or 0 for name, value in counts.items()}, [dict(row) for row in rows])
