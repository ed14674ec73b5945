"""What a group must have for its narrowing, and what it has: asked of the server, which alone knows its tables."""

import asyncpg

from services.providers.postgres.rights import Right
from services.providers.seam import Refused

WANTED = """
WITH wish(action, nsp, rel) AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[])),
need(action, privilege) AS (VALUES ('read', 'SELECT'), ('write', 'INSERT'), ('write', 'UPDATE'), ('write', 'DELETE')),
relation AS (
    SELECT DISTINCT c.oid, format('%I.%I', n.nspname, c.relname) AS name, privilege
    FROM wish JOIN need USING (action) JOIN pg_namespace n ON n.nspname = nsp JOIN pg_class c ON c.relnamespace = n.oid
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
      AND (relname = rel OR rel IS NULL AND has_table_privilege(c.oid, privilege || ' WITH GRANT OPTION'))),
wanted(kind, class, oid, name, privilege) AS (
    SELECT 'TABLE', 'pg_class'::regclass, oid, name, privilege FROM relation
    UNION ALL
    SELECT DISTINCT 'SEQUENCE', 'pg_class'::regclass, s.oid, format('%I.%I', n.nspname, s.relname), 'USAGE'
    FROM relation JOIN pg_depend d ON refobjid = relation.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
    JOIN pg_class s ON s.oid = objid JOIN pg_namespace n ON n.oid = s.relnamespace
    WHERE privilege = 'INSERT' AND CASE WHEN s.relkind = 'S' THEN has_sequence_privilege(s.oid, 'USAGE WITH GRANT OPTION') END
    UNION ALL
    SELECT DISTINCT 'SCHEMA', 'pg_namespace'::regclass, oid, quote_ident(nspname), 'USAGE' FROM pg_namespace JOIN wish ON nspname = nsp
    UNION ALL
    SELECT 'DATABASE', 'pg_database'::regclass, oid, quote_ident(datname), 'CONNECT' FROM pg_database WHERE datname = current_database())
"""
MISSING = (
    WANTED
    + """
SELECT privilege || ' on ' || name AS words, format('GRANT %s ON %s %s TO %I', privilege, kind, name, $1::text) AS statement
FROM wanted WHERE NOT CASE kind
    WHEN 'TABLE' THEN has_table_privilege($1::name, oid, privilege)
    WHEN 'SEQUENCE' THEN has_sequence_privilege($1::name, oid, privilege)
    WHEN 'SCHEMA' THEN has_schema_privilege($1::name, oid, privilege)
    ELSE has_database_privilege($1::name, oid, privilege) END
"""
)
BEYOND = (
    WANTED  # noqa: S608  # two constants
    + """
SELECT EXISTS (SELECT FROM pg_auth_members WHERE member = $1::text::regrole) OR EXISTS (
    SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1::text::regrole
      AND classid <> 'pg_auth_members'::regclass AND (objsubid <> 0 OR (classid, objid) NOT IN (SELECT class, oid FROM wanted))) OR EXISTS (
    SELECT FROM (SELECT oid, relacl AS acl FROM pg_class UNION ALL SELECT oid, nspacl FROM pg_namespace UNION ALL SELECT oid, datacl FROM pg_database)
    held, aclexplode(acl) a WHERE held.oid IN (SELECT oid FROM wanted) AND a.grantee = $1::text::regrole
      AND (held.oid, a.privilege_type) NOT IN (SELECT oid, privilege FROM wanted))
"""
)
UNKNOWN = """
SELECT nsp, rel FROM unnest($1::text[], $2::text[]) AS wish(nsp, rel) LEFT JOIN pg_namespace n ON n.nspname = nsp
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND relname = rel AND relkind IN ('r', 'p', 'v', 'm', 'f')
WHERE n.oid IS NULL OR rel IS NOT NULL AND c.oid IS NULL LIMIT 1
"""


def columns(rights: frozenset[Right]) -> list[list[str | None]]:
    return [list(column) for column in zip(*sorted(rights, key=str), strict=True)]


async def exists(connection: asyncpg.Connection, rights: frozenset[Right]) -> None:
    _, schemas, tables = columns(rights)
    if unknown := await connection.fetchrow(UNKNOWN, schemas, tables):
        raise Refused("unknown_table", f"there is no {'.'.join(filter(None, unknown))}")


async def missing(connection: asyncpg.Connection, group: str, rights: frozenset[Right]) -> list[asyncpg.Record]:
    """The rights that the group lacks: in words, and as a GRANT."""
    lacking: list[asyncpg.Record] = await connection.fetch(MISSING, group, *columns(rights))
    return lacking


async def beyond(connection: asyncpg.Connection, group: str, rights: frozenset[Right]) -> bool:
    """Whether it has a right more, of any kind: on a column, a function, a schema, in another database, or by another group."""
    return bool(await connection.fetchval(BEYOND, group, *columns(rights)))
