"""Our own database: made, migrated, and each process's role let in with a password that lives as long as this run."""

import secrets
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

import asyncpg

from counterfoil.wire.secret import Secret
from services.ops.database import ROLES, made_ready


def password() -> str:
    return secrets.token_urlsafe(24)


async def prepare(superuser_dsn: str, name: str, password_of: Callable[[str], str]) -> None:
    """Running it again changes nothing but the passwords."""
    server = await asyncpg.connect(superuser_dsn)
    try:
        if not await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            await server.execute(f'CREATE DATABASE "{name}"')
    finally:
        await server.close()
    ours = await asyncpg.connect(superuser_dsn, database=name)
    try:
        await made_ready(ours, {role: Secret(password_of(role)) for role in ROLES})
    finally:
        await ours.close()


def role_dsns(host: str, port: int, name: str, password_of: Callable[[str], str]) -> Mapping[str, str]:
    return {role: f"postgresql://counterfoil_{role}:{quote(password_of(role), safe='')}@{host}:{port}/{quote(name, safe='')}" for role in ROLES}


def place(dsn: str) -> tuple[str, int]:
    """Host and port of a server that was given by URL. One that is reached by its socket is on this machine."""
    parts = urlsplit(dsn)
    asked = dict(parse_qsl(parts.query))
    host = parts.hostname or asked.get("host", "")
    return "127.0.0.1" if not host or host.startswith("/") else host, parts.port or int(asked.get("port", 5432))
