"""Our own database, ready for the services: migrated, and each process's role let in by its password."""

import secrets
from collections.abc import Mapping

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Connection
from counterfoil_server.runtime.store.migrate import migrate
from services.providers.postgres import scram

ROLES = ("gateway", "verifier", "policy", "mint", "revoke", "audit", "revoker", "console", "ops")
ITERATIONS = 4096


async def made_ready(db: Connection, passwords: Mapping[str, Secret]) -> list[str]:
    """As the database's owner, who may make roles. Returns the migrations that ran. The server sees verifiers, and no password."""
    ran = await migrate(db)
    for role in ROLES:
        verifier = scram.verifier(passwords[role].reveal(), secrets.token_bytes(16), ITERATIONS)
        await db.execute(f"ALTER ROLE {user(role)} LOGIN PASSWORD '{verifier}'")
    return ran


def user(role: str) -> str:
    return f"counterfoil_{role}"
