"""The database `demo`: what the demo's connector lends credentials for, on our own server and apart from our own data."""

import secrets
from pathlib import Path

import asyncpg

from counterfoil.wire.secret import Secret
from services.providers.postgres import scram

DATABASE = "demo"
BROKER = "demo_broker"
SCHEMAS = ("shop",)
ITERATIONS = 4096


async def prepare(superuser_dsn: str, password: Secret) -> None:
    """Make it, or bring it up to date; the broker has this password afterwards. The server sees the verifier only."""
    server = await asyncpg.connect(superuser_dsn)
    try:
        if not await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            await server.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await server.close()
    demo = await asyncpg.connect(superuser_dsn, database=DATABASE)
    try:
        await demo.execute(Path(__file__).with_suffix(".sql").read_text())
        await demo.execute(f"ALTER ROLE {BROKER} PASSWORD '{scram.verifier(password.reveal(), secrets.token_bytes(16), ITERATIONS)}'")
    finally:
        await demo.close()


def config(host: str, port: int, iterations: int = ITERATIONS, *, sole: bool = False) -> dict[str, object]:
    """What the registry says of the connector."""
    known = {"host": host, "port": port, "database": DATABASE, "broker": BROKER, "schemas": list(SCHEMAS), "scram_iterations": iterations}
    return known | {"sole": True} if sole else known
