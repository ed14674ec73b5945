"""What the audit role may not do, and what no role may."""

import asyncpg
import pytest

from tests.audit.facts import rejected
from tests.audit.house import House

FORBIDDEN = [
    "UPDATE audit_leaf SET bytes = ''",
    "DELETE FROM audit_leaf",
    "TRUNCATE audit_leaf",
    "UPDATE audit_tile SET hash = ''",
    "DELETE FROM audit_tile",
    "UPDATE audit_published SET checkpoint = ''",
    "UPDATE audit_cosignature SET line = ''",
    "SELECT * FROM audit_about",
    "DELETE FROM audit_about",
    "SELECT seal_2 FROM mint",
    "SELECT handle FROM mint",
    "UPDATE mint SET state = 'active'",
    "SELECT * FROM root_secret",
    "SELECT * FROM revocation",
    "UPDATE revocation SET state = 'confirmed'",
    "DELETE FROM revocation",
    "DELETE FROM reply",
    "UPDATE reply SET request_hash = ''",
    "UPDATE reply SET proof = ''",
    "UPDATE connector SET state = 'active'",
    "DELETE FROM block",
    "SELECT * FROM registry_entry",
    "INSERT INTO registry_change (revision, id, at, actor, change, entry_kind, name) VALUES (1, gen_random_uuid(), now(), '{}', 'put', '', '')",
    "INSERT INTO service_key (kid, role, use, public, not_before) VALUES ('', '', 'log', '', now())",
    "CREATE TABLE mine (one integer)",
]
APPEND_ONLY = [
    "UPDATE audit_leaf SET bytes = ''", "DELETE FROM audit_leaf", "TRUNCATE audit_leaf", "UPDATE audit_about SET idx = 0", "DELETE FROM audit_about",
    "TRUNCATE audit_about", "UPDATE audit_tile SET hash = ''", "DELETE FROM audit_tile", "TRUNCATE audit_tile",
    "UPDATE audit_published SET checkpoint = ''", "DELETE FROM audit_published", "TRUNCATE audit_published CASCADE",
    "UPDATE audit_cosignature SET line = ''", "DELETE FROM audit_cosignature", "TRUNCATE audit_cosignature",
]  # fmt: skip


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_audit_role_may_not(house: House, statement: str):
    await house.run(rejected(house.asked()))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await house.pool.execute(statement)


@pytest.mark.parametrize("statement", APPEND_ONLY)
async def test_nobody_changes_what_was_appended(house: House, statement: str):
    await house.run(rejected(house.asked()))
    await house.owner.execute("INSERT INTO audit_tile VALUES (7, 0, '') ON CONFLICT DO NOTHING")
    await house.owner.execute("INSERT INTO audit_published VALUES (1, '') ON CONFLICT DO NOTHING")
    await house.owner.execute("INSERT INTO audit_cosignature VALUES (1, '', '') ON CONFLICT DO NOTHING")

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await house.owner.execute(statement)
