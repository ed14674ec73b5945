"""Rows of the ledger, as mint and the revokers write them."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.subjects import lookup, sub_hash
from tests.gateway.identities import ISSUER

INSERT = """INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,
    connector, installation, project, environment, granted, deadline, ends_by_itself, sent_at, window_closes_at, expires_at, secret_digest)
    VALUES ($1, $2, $3, 1, $4, 'd', $5, 'w', $6, 1, 'by_name', $7, 'default', $8, $9, '{"scopes": ["read"]}', now(), false, now() - $10::interval,
    now(), now() + interval '5 minutes', $11)"""


def hashed(subject: str, issuer: str = ISSUER) -> str:
    """Under the key that conftest.py writes."""
    return sub_hash(Secret(bytes([len("subject")]) * 32), issuer, subject)


def digest(secret: str) -> str:
    return lookup(Secret(bytes([len("lookup")]) * 32), Secret(secret))


async def lent(root: asyncpg.Connection, subject: str = "app", **given: Any) -> UUID:
    """A row of the ledger; its credential_id."""
    row: dict[str, Any] = {
        "state": "active",
        "connector": "postgres/demo",
        "project": "web",
        "environment": "production",
        "age": 1,
        "secret": str(uuid4()),
    } | given
    credential = uuid4()
    await root.execute(
        INSERT, ISSUER, hashed(subject), uuid4(), credential, row.get("request_hash", str(uuid4())), row["state"], row["connector"], row["project"],
        row["environment"], timedelta(seconds=row["age"]), digest(row["secret"]),
    )  # fmt: skip
    return credential


async def obeyed(root: asyncpg.Connection, order: UUID, credentials: list[UUID], state: str) -> None:
    """What revoker and revoke did of an order."""
    for credential in credentials:
        await root.execute("INSERT INTO revocation (id, credential_id, cause, order_id) VALUES ($1, $2, 'requested', $3)",
                           revocation_id(credential), credential, order)  # fmt: skip
        await root.execute("UPDATE mint SET state = $2 WHERE credential_id = $1", credential, state)
    await root.execute("UPDATE revocation_order SET ordered_at = now() WHERE id = $1", order)


async def asked(root: asyncpg.Connection, project: str = "api") -> UUID:
    """A question to a user of that project."""
    consent = uuid4()
    await root.execute(
        "INSERT INTO consent (consent_id, link_digest, connector, installation, project, environment, user_digest, scopes, expires_at) "
        "VALUES ($1, $2, 'oauth2/crm', 'default', $3, 'production', 'u', '{read}', now() + interval '5 minutes')",
        consent, str(consent), project,
    )  # fmt: skip
    return consent


async def agreed(root: asyncpg.Connection, project: str = "api", user: str = "u") -> UUID:
    """What a user of that project agreed to."""
    grant = uuid4()
    await root.execute(
        "INSERT INTO user_grant (grant_id, connector, installation, project, environment, user_digest, scopes, state) "
        "VALUES ($1, 'oauth2/crm', $2, $3, 'production', $4, '{read}', 'live')",
        grant, str(grant), project, user,
    )  # fmt: skip
    return grant
