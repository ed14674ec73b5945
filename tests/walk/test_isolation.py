"""Each process has what its work needs, and nothing of the others: keys, rows, databases. What it may do is tried beside what it must not."""

import asyncpg
import pytest

from tests.support.town import Town

KEYS = {
    "gateway": {"sign", "subject", "lookup"},
    "verifier": {"sign", "open", "subject"},
    "policy": {"sign"},
    "mint": {"sign", "open", "lookup", "kek"},
    "revoke": {"sign", "open", "kek"},
    "audit": {"sign", "open", "log"},
    "revoker": {"sign"},
}
FORBIDDEN = {
    "gateway": ["SELECT seal_2 FROM mint", "SELECT fact FROM mint", "SELECT box FROM root_secret", "UPDATE mint SET state = 'active'",
                "INSERT INTO audit_leaf VALUES (10^9, gen_random_uuid(), '', '', '')", "DELETE FROM registry_change",
                "SELECT box FROM user_grant", "SELECT kept_box FROM user_grant", "UPDATE user_grant SET scopes = scopes"],
    "verifier": ["SELECT 1 FROM root_secret", "SELECT 1 FROM mint", "SELECT 1 FROM reply", "SELECT 1 FROM audit_leaf", "SELECT 1 FROM subject",
                 "UPDATE registry_entry SET name = name"],
    "policy": ["SELECT 1 FROM root_secret", "SELECT 1 FROM mint", "SELECT 1 FROM audit_leaf", "UPDATE registry_entry SET name = name",
               "SELECT 1 FROM user_grant", "SELECT 1 FROM consent"],
    "mint": ["SELECT seal_2 FROM mint", "UPDATE connector SET state = 'active'", "DELETE FROM mint", "DELETE FROM block", "SELECT 1 FROM audit_leaf",
             "UPDATE heartbeat SET at = now()"],
    "revoke": ["INSERT INTO mint SELECT * FROM mint", "SELECT sealed FROM root_secret", "UPDATE connector SET state = 'active'",
                  "SELECT 1 FROM audit_leaf"],
    "audit": ["UPDATE audit_leaf SET bytes = ''", "DELETE FROM audit_leaf", "TRUNCATE audit_leaf", "SELECT 1 FROM root_secret",
                  "SELECT seal_2 FROM mint",
              "UPDATE mint SET state = 'active'"],
    "revoker": ["SELECT seal_2 FROM mint", "SELECT fact FROM mint", "SELECT 1 FROM root_secret", "SELECT 1 FROM audit_leaf",
                  "INSERT INTO mint SELECT * FROM mint"],
    "ops": ["SELECT 1 FROM root_secret", "SELECT seal_2 FROM mint", "UPDATE connector SET state = 'active'", "DELETE FROM service_key"],
}  # fmt: skip
ALLOWED = {
    "gateway": "SELECT 1 FROM registry_entry", "verifier": "SELECT 1 FROM registry_entry", "policy": "SELECT 1 FROM registry_entry",
    "mint": "SELECT fact FROM mint", "revoke": "SELECT seal_2 FROM mint", "audit": "SELECT bytes FROM audit_leaf",
    "revoker": "SELECT state FROM mint", "ops": "SELECT 1 FROM service_key",
}  # fmt: skip


@pytest.mark.parametrize("role", KEYS)
def test_a_process_has_its_own_keys_and_no_others(town: Town, role: str):
    folder = town.plan.keys / role
    files = list(folder.iterdir())
    assert {file.stem.split("-")[0] for file in files} == KEYS[role]
    assert folder.stat().st_mode & 0o077 == 0
    assert {file.stat().st_mode & 0o777 for file in files} == {0o400}


@pytest.mark.parametrize("role", FORBIDDEN)
async def test_a_database_role_may_do_its_work_and_nothing_else(town: Town, role: str):
    db = await asyncpg.connect(town.plan.dsns[role])
    try:
        await db.execute(ALLOWED[role])
        for statement in [*FORBIDDEN[role], "CREATE TABLE public.mine (x int)", "SET ROLE postgres"]:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)
    finally:
        await db.close()


@pytest.mark.parametrize("role", FORBIDDEN)
async def test_no_process_of_ours_reaches_the_database_that_lends(town: Town, role: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(town.plan.dsns[role], database="demo")


async def test_a_lent_role_reaches_what_it_was_lent_and_nothing_else(town: Town):
    lent = (await town.ask(scope="read")).json()["access_token"]
    db = await asyncpg.connect(lent)
    try:
        assert await db.fetchval("SELECT count(*) FROM shop.customers") == 3
        for statement in ("SELECT 1 FROM payroll.salaries", "CREATE TABLE shop.mine (x int)", "SET ROLE demo_broker", "SELECT 1 FROM pg_authid"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)
    finally:
        await db.close()
    for other in (town.plan.database, "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(lent, database=other)
