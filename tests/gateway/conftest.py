"""A gateway's parts around a stand-in of the bus, and the real PostgreSQL under the gateway's own role."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from counterfoil.contracts.base import ReplyTo
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.kafka import Connection
from counterfoil.wire.outbox import Outbox
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.stage import Out
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.database import Pool, connect
from counterfoil_server.runtime.store.migrate import migrate
from counterfoil_server.runtime.store.registry_rows import Put
from counterfoil_server.runtime.telemetry.spans import Telemetry
from counterfoil_server.runtime.tokens.jwks import Jwks
from services.gateway.asker import Asker
from services.gateway.building import Shared, doors
from services.gateway.handed import Handed
from services.gateway.permits import CedarPermits
from services.gateway.replies import Replies
from services.gateway.routes import routes
from services.gateway.settled import Settled, consents
from services.gateway.standing import Standing
from services.gateway.undelivered import Undelivered
from services.gateway.waiting import Waiting
from tests.gateway.bus import Bus, Keys
from tests.gateway.identities import ENTRIES, ISSUER, FakeIssuer

BASE = "http://gateway.test"
CONSOLE = "console-of-the-test"
"""The console's client id."""
INSTANCE = "gateway-0"


@dataclass
class Town:
    """The gateway and what stands around it."""

    http: httpx.AsyncClient
    app: Any
    bus: Bus
    db: Pool
    root: asyncpg.Connection
    keys: KeyRing
    waiting: Waiting
    handed: Handed
    undelivered: Undelivered
    replies: Replies
    asker: Asker
    issuer: FakeIssuer
    registry: Registry
    settled: Settled
    sent: list[Out] = field(default_factory=list)
    """Onto the bus, beside what is asked."""


def in_database(dsn: str, name: str, role: str | None = None) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}", query="&".join(filter(None, [parts.query, f"role={role}" if role else ""]))))


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[str]:
    async with migrated(postgres) as dsn:
        yield dsn


@asynccontextmanager
async def migrated(postgres: str) -> AsyncIterator[str]:
    """A migrated database of its own; its superuser DSN."""
    name = f"gateway_{uuid4().hex[:8]}"
    server = await asyncpg.connect(postgres)
    await server.execute(f"CREATE DATABASE {name}")
    dsn = in_database(postgres, name)
    owner = await asyncpg.connect(dsn)
    await migrate(owner)
    await owner.close()
    yield dsn
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
async def root(database: str) -> AsyncIterator[asyncpg.Connection]:
    """As the owner, on tables that were emptied."""
    connection = await asyncpg.connect(database)
    await connection.execute(
        "TRUNCATE connector, block, mint, revocation, revocation_order, handed, heartbeat, service_key, registry_entry, root_secret, user_grant, "
        "consent, consent_place, consent_device RESTART IDENTITY;"
        "INSERT INTO connector (name, revision) VALUES ('postgres/demo', 1);"
        "INSERT INTO heartbeat VALUES ('audit', clock_timestamp(), clock_timestamp())"
    )
    yield connection
    await connection.close()


@pytest.fixture
async def db(database: str, root: asyncpg.Connection) -> AsyncIterator[Pool]:  # noqa: ARG001 - it empties the tables
    """As the gateway's role: what it may not do fails here too."""
    pool = await connect(Secret(in_database(database, urlsplit(database).path[1:], "counterfoil_gateway")), name="gateway-test")
    yield pool
    await pool.close()


@pytest.fixture
async def keyed(db: Pool, root: asyncpg.Connection, tmp_path: Path) -> tuple[KeyRing, Keys]:
    """The gateway's key ring, on rows whose private halves the stand-in has."""
    keys = Keys()
    rows = [
        (keys.verifier.kid, "verifier", "open", keys.verifier.public, None),
        (keys.mint.kid, "mint", "open", keys.mint.public, None),
        (keys.audit.kid, "audit", "sign", keys.audit.public, None),
        (keys.policy.kid, "policy", "sign", keys.policy.public, None),
        ("1og", "audit", "log", keys.log.vkey.encode(), keys.log.name),
    ]
    await root.executemany(
        "INSERT INTO service_key (kid, role, use, public, name, not_before) VALUES ($1, $2, $3, $4, $5, now() - interval '1 hour')", rows
    )
    for name in ("subject", "lookup"):
        key_folder.write(tmp_path / f"{name}.key", bytes([len(name)]) * 32)
    ring = KeyRing(db, tmp_path, "gateway")
    await ring.load()
    return ring, keys


@asynccontextmanager
async def town(db: Pool, root: asyncpg.Connection, ring: KeyRing, keys: Keys, patience: float = 5.0) -> AsyncIterator[Town]:
    bus, requester, now = Bus(keys), RequesterKeys(time.monotonic), lambda: datetime.now(UTC)
    handed = Handed(db, INSTANCE, 1)
    undelivered = Undelivered(db, handed)
    waiting = Waiting(handed, undelivered)
    telemetry = Telemetry("gateway")
    replies = Replies(INSTANCE, waiting, handed, requester, ring, Standing(db), telemetry, now)
    bus.deliver = replies.on_batch
    asker = Asker(Connection("nowhere:1"), ring, requester, Outbox(bus), ReplyTo(partition=1, instance=INSTANCE), patience, now)  # type: ignore[arg-type]
    issuer = FakeIssuer()
    registry = Registry(db, Secret("nowhere"))
    await registry.load()
    settled = Settled()
    public = {"audience": BASE, "topics_prefix": "counterfoil", "partitions": 4}
    sent: list[Out] = []

    async def send(outs: Sequence[Out]) -> None:
        sent.extend(outs)

    shared = Shared(
        BASE, db, ring, telemetry, now, registry, Jwks(issuer), CedarPermits(registry), asker, waiting, settled, consents(), send, public,
        console=CONSOLE,
    )  # fmt: skip
    app = routes(doors(shared))
    ends = asyncio.create_task(undelivered.run())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
        yield Town(http, app, bus, db, root, ring, waiting, handed, undelivered, replies, asker, issuer, registry, settled, sent)
    ends.cancel()


@pytest.fixture
async def manned(gateway: Town) -> Town:
    """With an issuer, a connector, a link and operators in its registry."""
    actor = Actor(issuer=ISSUER, sub_hash="0" * 64, role="ops")
    await registry_rows.change(gateway.db, [Put(entry) for entry in ENTRIES], actor, datetime.now(UTC))
    await gateway.registry.load()
    return gateway


@pytest.fixture
async def gateway(db: Pool, root: asyncpg.Connection, keyed: tuple[KeyRing, Keys]) -> AsyncIterator[Town]:
    async with town(db, root, *keyed) as found:
        yield found
