"""A migrated database with one connector, and the ledger of mint and of revoke in it, each with no more rights than in production."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from counterfoil.contracts import exchange_authorized
from counterfoil.contracts.registry import Connector, Limits
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.secret import Secret
from counterfoil_server.domain import limits
from counterfoil_server.runtime.stage import Received
from counterfoil_server.runtime.store.database import Pool, connect
from counterfoil_server.runtime.store.migrate import migrate
from services.providers.ledger import Ledger
from services.providers.ledger_rows import Finished
from services.providers.seam import Idempotency, Minted, Reach, Revocation, answer
from services.providers.wanted import Intent, Wanted
from tests.registry.conftest import dsn_of
from tests.support import facts


@dataclass
class Declared:
    """A provider's declaration, without the provider."""

    name: str = "postgres"
    revocation: Revocation = Revocation.BY_NAME
    reach: Reach = Reach.CREDENTIAL
    idempotency: Idempotency = Idempotency.BY_NAME
    ends_by_itself: bool = False
    longest: timedelta = timedelta(hours=1)
    window: timedelta = timedelta(seconds=30)


@dataclass
class Books:
    owner: asyncpg.Connection
    mint: Pool
    revoke: Pool
    revoker: Pool
    provider: Declared = field(default_factory=Declared)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.mint)

    def wanted(
        self, *, provider: Declared | None = None, revision: int = 7, lifetime: int = 60, deadline: float = 10,
        limited: Mapping[str, Limits] = MappingProxyType({}), **asked: Any,
    ) -> Wanted:  # fmt: skip
        """A grant of now. `asked` members make it another request."""
        now = datetime.now(UTC)
        fields: dict[str, Any] = {"request_id": uuid4(), "request_hash": digest(uuid4().bytes), "deadline": now + timedelta(seconds=deadline)} | asked
        about: dict[str, Any] = {name: fields.pop(name) for name in ("sub_hash", "token_use", "project") if name in fields}
        who = facts.verified(**about)
        who = who.model_copy(update={"asked": facts.asked(**fields), "basis": who.basis.model_copy(update={"registry_revision": revision})})
        grant = facts.granted(who, lifetime=lifetime, grounds=facts.GROUNDS.model_copy(update={"registry_revision": revision}))
        value = encode(grant)
        received = Received(exchange_authorized.TOPIC, grant, value, {}, 0, 0, 0, "policy")
        entry = Connector(name="postgres/demo", installation="main", scopes=frozenset({"read"}), **limited)
        caps = limits.caps(grant, entry, None)
        return Wanted(received, grant, who, digest(value), entry, provider or self.provider, entry.config, caps)  # type: ignore[arg-type]

    async def intend(self, *wanted: Wanted) -> list[Any]:
        return list(await self.ledger.intend(wanted, datetime.now(UTC)))

    def finished(self, intent: Intent, *, seal_2: bytes | None = None) -> Finished:
        expires = datetime.now(UTC) + timedelta(seconds=60)
        minted = Minted(answer("t0ken", "N_A"), "N_A", {"role": "cf_x", "oid": 1}, frozenset({"read"}), (), expires)
        said: Any = None  # what is published, which the ledger hands through
        return Finished(intent, minted, said, f"fact of {intent.credential_id}".encode(), seal_2, "digest")

    async def state(self, credential_id: UUID) -> str:
        return str(await self.owner.fetchval("SELECT state FROM mint WHERE credential_id = $1", credential_id))

    async def ordered(self, credential_id: UUID) -> str | None:
        cause: str | None = await self.owner.fetchval("SELECT cause FROM revocation WHERE credential_id = $1", credential_id)
        return cause


@pytest.fixture(scope="module")
async def database(postgres: str) -> AsyncIterator[str]:
    name = f"ledger_{uuid4().hex[:8]}"
    server = await asyncpg.connect(postgres)
    await server.execute(f"CREATE DATABASE {name}")
    owner = await asyncpg.connect(dsn_of(postgres, name))
    await migrate(owner)
    await owner.close()
    yield name
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
async def books(postgres: str, database: str) -> AsyncIterator[Books]:
    owner = await asyncpg.connect(dsn_of(postgres, database))
    await owner.execute(
        "TRUNCATE mint, revocation, used_token, reply, heartbeat, connector, block, revocation_order RESTART IDENTITY;"
        "INSERT INTO connector (name, revision) VALUES ('postgres/demo', 7);"
        "INSERT INTO heartbeat VALUES ('audit', clock_timestamp(), clock_timestamp())"
    )
    roles = [await connect(Secret(dsn_of(postgres, database, role)), name="ledger-test", most=16) for role in ("mint", "revoke", "revoker")]
    yield Books(owner, *roles)
    for pool in roles:
        await pool.close()
    await owner.close()
