"""Every database role, every table, every statement, really executed: exactly these cells, in both directions."""

from collections.abc import Sequence

import asyncpg
import pytest

from tests.support.town import Town

EVERYONE = {"registry_head": "read", "service_key": "read"}
SEALED = "read(all but seal_2)"
OF_A_GRANT = "grant_id connector installation project environment user_digest scopes state given_at used_at last_error"
LYING, ASIDE = "kek_id wrapped_key nonce box", "kept_until kept_kek_id kept_wrapped_key kept_nonce kept_box"
RIGHTS = {
    "gateway": EVERYONE | {
        "registry_head": "read update", "registry_entry": "read insert update delete", "registry_change": "read insert update(relayed_at)",
        "connector": "read insert update", "root_secret": "read(connector installation field version at) insert",
        "block": "read insert update(lifted_at)", "revocation_order": "read insert update(published_at)", "revocation": "read insert",
        "handed": "read insert update", "heartbeat": "read", "reply": "read update(delivered)", "audit_leaf": "read", "audit_head": "read",
        "audit_tile": "read", "audit_about": "read", "audit_published": "read", "audit_cosignature": "read", "dead_letter": "read insert update",
        "mint": "read(all but decision_hash wish_hash traceparent fact seal_2)", "consent": "read insert update(state_digest verifier) delete",
        "user_grant": f"read({OF_A_GRANT}) update(state next_at)", "consent_place": "read",
        "consent_device": "read(consent_id user_code url complete)",
    },
    "verifier": EVERYONE | {"registry_entry": "read"},
    "policy": EVERYONE | {"registry_entry": "read"},
    "mint": EVERYONE | {
        "registry_entry": "read", "connector": "read", "block": "read", "heartbeat": "read", "used_token": "read insert delete",
        "mint": f"{SEALED} insert update(state handle granted expires_at fact seal_2 secret_digest)", "revocation": "read insert",
        "reply": "read(all but fact_hash idx proof)", "root_secret": "read update(sealed kek_id wrapped_key nonce box)",
        "user_grant": "read insert update", "consent": "read update(outcome fact expires_at)", "consent_place": "read insert update delete",
        "consent_device": "read insert update delete",
    },
    "revoke": EVERYONE | {
        "registry_entry": "read", "connector": "read update(shut_at)", "registry_change": "read(revision entry_kind name entry)",
        "user_grant": f"read update(state turn turn_until next_at last_error {LYING} {ASIDE})",
        "mint": "read update(state expires_at seal_2)", "root_secret": "read(all but sealed at)",
        "revocation": "read insert update(state attempts next_at last_error settled published_at)",
    },
    "audit": EVERYONE | {
        "connector": "read", "block": "read", "mint": "read(credential_id state fact)", "revocation": "insert", "subject": "read insert delete",
        "audit_tile": "read insert", "audit_about": "insert", "audit_published": "read insert", "audit_cosignature": "read insert",
        "audit_leaf": "read insert", "audit_head": "read insert update", "reply": "read insert update(outcome box delivered)",
        "heartbeat": "read insert update",
    },
    "revoker": EVERYONE | {
        "connector": "read update(state)", "block": "read delete", "revocation_order": "read update(ordered_at)", "reply": "read",
        "revocation": "read insert update(ordered_at)",
        "mint": "read(all but decision_hash wish_hash handle granted fact seal_2 secret_digest user_digest) update(state)",
    },
    "ops": EVERYONE | {
        "service_key": "read insert update(not_after)", "registry_head": "read update", "registry_change": "read insert", "registry_entry": "read",
        "connector": "read", "block": "read", "heartbeat": "read", "revocation": "read", "revocation_order": "read", "reply": "read",
        "audit_leaf": "read", "audit_head": "read", "audit_tile": "read", "audit_about": "read", "subject": "read(sub_hash) delete",
        "audit_published": "read", "audit_cosignature": "read", "dead_letter": "read insert update",
        "mint": "read(all but decision_hash wish_hash traceparent fact seal_2)",
    },
    "console": EVERYONE | {
        "registry_entry": "read", "registry_change": "read", "connector": "read", "block": "read", "heartbeat": "read", "revocation_order": "read",
        "audit_leaf": "read", "audit_head": "read", "audit_tile": "read", "audit_about": "read", "dead_letter": "read",
        "root_secret": "read(connector installation field version at)", "reply": "read(all but fact_hash)",
        "revocation": "read(all but settled)", "mint": "read(all but decision_hash wish_hash handle fact seal_2 secret_digest user_digest)",
        "console_session": "read insert update delete", "console_login": "read insert update delete", "console_tally": "read insert update delete",
        "console_tally_head": "read update", "span": "read insert",
    },
}  # fmt: skip
COLUMNS = """SELECT relname, array_agg(attname::text ORDER BY attnum) AS columns FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p') AND attnum > 0 AND NOT attisdropped GROUP BY relname"""
OF_THE_OWNER = [
    "UPDATE audit_leaf SET bytes = ''", "DELETE FROM audit_leaf", "TRUNCATE audit_leaf", "UPDATE audit_about SET idx = 0", "DELETE FROM audit_about",
    "TRUNCATE audit_about", "TRUNCATE audit_tile", "TRUNCATE audit_published, audit_cosignature", "DELETE FROM registry_change",
    "TRUNCATE registry_change",
]  # fmt: skip


async def may(db: asyncpg.Connection, statement: str) -> bool:
    """Tried and taken back. What a constraint refuses was permitted."""
    attempt = db.transaction()
    await attempt.start()
    try:
        await db.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return False
    except asyncpg.IntegrityConstraintViolationError:
        return True
    finally:
        await attempt.rollback()
    return True


def named(verb: str, columns: Sequence[str], able: Sequence[str]) -> str:
    rest = [column for column in columns if column not in able]
    if not rest:
        return verb
    return f"{verb}({' '.join(able)})" if len(able) <= len(rest) or verb == "update" else f"{verb}(all but {' '.join(rest)})"


async def cell(db: asyncpg.Connection, table: str, columns: Sequence[str]) -> str:
    readable = [column for column in columns if await may(db, f'SELECT "{column}" FROM {table} LIMIT 0')]  # noqa: S608 - names of tables and columns
    writable = [column for column in columns if await may(db, f'UPDATE {table} SET "{column}" = DEFAULT WHERE false')]  # noqa: S608 - names of tables and columns
    found = [
        named("read", columns, readable) if readable else "",
        "insert" if await may(db, f"INSERT INTO {table} DEFAULT VALUES") else "",
        named("update", columns, writable) if writable else "",
        "delete" if await may(db, f"DELETE FROM {table} WHERE false") else "",  # noqa: S608 - names of tables and columns
        "truncate" if await may(db, f"TRUNCATE {table}") else "",
    ]
    return " ".join(filter(None, found))


@pytest.mark.parametrize("role", RIGHTS)
async def test_a_role_may_do_exactly_what_its_row_says(town: Town, role: str):
    async with town.sql() as owner:
        tables = {row["relname"]: row["columns"] for row in await owner.fetch(COLUMNS)}
    db = await asyncpg.connect(town.plan.dsns[role])
    try:
        found = {table: await cell(db, table, columns) for table, columns in tables.items()}
    finally:
        await db.close()

    assert {table: rights for table, rights in found.items() if rights} == RIGHTS[role]


@pytest.mark.parametrize("role", RIGHTS)
async def test_no_role_makes_anything_or_becomes_another(town: Town, role: str):
    db = await asyncpg.connect(town.plan.dsns[role])
    others = [f"SET ROLE counterfoil_{other}" for other in RIGHTS if other != role]
    made = [
        "CREATE TABLE public.mine (x int)",
        "CREATE TEMPORARY TABLE mine (x int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
    ]
    powers = ["SET ROLE postgres", "SELECT rolpassword FROM pg_authid", "SELECT pg_read_file('PG_VERSION')", "COPY mint TO PROGRAM 'true'",
              "ALTER TABLE audit_leaf DISABLE TRIGGER ALL", "SET session_replication_role = replica"]  # fmt: skip
    try:
        for statement in (*others, *made, *powers):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)
    finally:
        await db.close()


@pytest.mark.parametrize("statement", OF_THE_OWNER)
async def test_not_even_the_owner_changes_what_is_append_only_in_passing(town: Town, statement: str):
    await town.ask(scope="read")
    async with town.sql() as owner:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(statement)
