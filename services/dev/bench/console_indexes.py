"""A table's indexes taken away while it is filled, and how to make them again, each as it was; those of a partitioned table in each partition."""

from collections.abc import Sequence

import asyncpg

TABLES = ("audit_leaf", "audit_about", "mint", "revocation", "span")
CONSTRAINTS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS gone,
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS again
    FROM pg_constraint WHERE conrelid = ANY($1::text[]::regclass[]) AND contype IN ('p', 'u')
"""
INDEXES = """
    SELECT format('DROP INDEX %s', indexrelid::regclass) AS gone, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS again
    FROM pg_index WHERE indrelid = ANY($1::text[]::regclass[])
"""


async def away(db: asyncpg.Connection) -> Sequence[str]:
    """What makes them again."""
    again = []
    for question in (CONSTRAINTS, INDEXES):
        for row in await db.fetch(question, list(TABLES)):
            await db.execute(row["gone"])
            again.append(row["again"])
    return again
