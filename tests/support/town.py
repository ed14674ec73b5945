"""Every service as its own process on the session's Kafka and PostgreSQL: what `make up` runs, in a folder that goes away."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from counterfoil.client.client import Client
from counterfoil.wire.kafka import Connection
from counterfoil.wire.secret import Secret
from services.dev import demo, seed, town
from services.dev.child import Child
from services.dev.children import Children
from services.dev.ports import HOST, free_port
from services.dev.postgres import Postgres
from services.dev.town import MODULES, SERVICES, Plan
from services.ops.database import ROLES
from tests.support.demo import BROKER_PASSWORD
from tests.support.otlp import Receiver, receiving
from tests.support.parts import password, say

TOKEN_URN = "urn:ietf:params:oauth:token-type:id_token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass
class Town:
    plan: Plan
    children: Children
    http: httpx.AsyncClient
    otlp: Receiver

    @property
    def connection(self) -> Connection:
        return self.plan.connection

    async def id_token(self, project: str = "web", environment: str = "production", **more: str) -> str:
        asked = {"project": project, "environment": environment, "audience": self.plan.url} | more
        return (await self.http.get(f"{self.plan.issuer}/id-token", params=asked)).raise_for_status().text.strip()

    async def admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {await seed.admin_token(self.http, self.plan)}"}

    async def ask(self, token: str | None = None, **form: Any) -> httpx.Response:
        """`POST /oauth2/token`, as any OAuth client would."""
        usual = {
            "grant_type": EXCHANGE,
            "subject_token": token or await self.id_token(),
            "subject_token_type": TOKEN_URN,
            "audience": "postgres/demo",
        }
        data = {name: value for name, value in (usual | form).items() if value is not None}
        return await self.http.post(f"{self.plan.url}/oauth2/token", data=data)

    def client(self, transport: str = "kafka", token: str | None = None, **options: Any) -> Client:
        kafka = self.connection if transport == "kafka" else None
        return Client(self.plan.url, token or self.id_token, transport, kafka=kafka, **options)  # type: ignore[arg-type]

    @asynccontextmanager
    async def sql(self, name: str | None = None) -> AsyncIterator[asyncpg.Connection]:
        """The superuser, in our database or another."""
        connection = await asyncpg.connect(self.plan.superuser_dsn, database=name or self.plan.database)
        try:
            yield connection
        finally:
            await connection.close()

    def child(self, role: str) -> Child:
        return next(one for one in self.children._started if one.command.name == role)

    async def stop(self, role: str) -> None:
        await self.children.forget(self.child(role))

    async def start(self, role: str) -> None:
        await self.children.start(town.service(self.plan, role), lambda: self.ready(role))

    async def ready(self, role: str) -> bool:
        try:
            return (await self.http.get(f"http://{HOST}:{self.plan.ports[role]}/readyz")).is_success
        except httpx.HTTPError:
            return False

    async def apply(self, *entries: dict[str, Any]) -> dict[str, Any]:
        answer = await self.http.post(f"{self.plan.url}/v1/registry", json={"entries": list(entries)}, headers=await self.admin())
        return dict(answer.raise_for_status().json())

    def logs(self) -> bytes:
        return b"".join(file.read_bytes() for file in sorted(self.children.logs.glob("*.log")))


@asynccontextmanager
async def founded(
    folder: Path, kafka: str, server: Postgres, *, extra: dict[str, str] | None = None, iterations: int = 1,
    console: bool = False, **changed: Any
) -> AsyncIterator[Town]:  # fmt: skip
    """A town with topics and a database of its own; with a console where it is asked for, which then gets the spans. `changed`: of its Plan."""
    name = secrets.token_hex(4)
    ports = {part: free_port() for part in ("gateway-http", "issuer", "console-http", *(("console-otlp",) if console else ()), *MODULES)}
    plan = Plan(
        folder,
        kafka,
        server.superuser_dsn,
        (HOST, server.port),
        ports,
        prefix=f"t{name}",
        database=f"town_{name}",
        passwords={role: password(role) for role in ROLES},
        modules=MODULES if console else SERVICES,
        extra={"COUNTERFOIL_LOG_LEVEL": "INFO"} | (extra or {}),
    )
    async with receiving() as otlp, Children(folder) as children, httpx.AsyncClient(timeout=30, trust_env=False) as http:
        sink = f"http://{HOST}:{ports['console-otlp']}" if console else otlp.url
        plan = replace(plan, extra={**plan.extra, "COUNTERFOIL_OTLP": sink}, **changed)
        await town.prepare(plan, say)
        await demo.prepare(plan.superuser_dsn, Secret(BROKER_PASSWORD))
        await town.start(plan, children)
        await seed.sow(plan, BROKER_PASSWORD, iterations)
        yield Town(plan, children, http, otlp)


@pytest.fixture(scope="session", name="town")
async def town_of_the_session(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with founded(tmp_path_factory.mktemp("town"), kafka, postgres_server) as made:
        yield made


@pytest.fixture(scope="module", name="town")
async def town_of_the_module(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """For whoever reads a whole log: in the session's stand forged decisions and much else, by other tests' doing."""
    async with founded(tmp_path_factory.mktemp("own"), kafka, postgres_server) as made:
        yield made
