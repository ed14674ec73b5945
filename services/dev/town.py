"""Every service beside a Kafka and a PostgreSQL that are there already: a process each, with its own keys and its own database role."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx

from counterfoil.contracts import TOPICS
from counterfoil.wire import kafka_topics
from counterfoil.wire.kafka import Connection
from counterfoil_server.runtime.service import utc_now
from counterfoil_server.runtime.settings import connection
from services.dev import database
from services.dev.children import Children, together
from services.dev.jars import ROOT
from services.dev.spawn import Command
from services.dev.trouble import Say
from services.ops import key_chest
from services.ops.database import ROLES

PARTITIONS = 4
SERVICES = {
    "verifier": ("services.verifier.app",),
    "policy": ("services.policy.app",),
    "mint": ("services.providers.app", "mint"),
    "revoke": ("services.providers.app", "revoke"),
    "audit": ("services.audit.app",),
    "revoker": ("services.revoker.app",),
    "gateway": ("services.gateway.app",),
}
"""Who serves exchanges."""
MODULES = SERVICES | {"console": ("services.console.app",)}
CONSOLE_CLIENT = "counterfoil-console"


@dataclass(frozen=True)
class Plan:
    """Where everything is. `ports` holds one health port per service, and `gateway`'s own, `console`'s and `issuer`'s beside them."""

    folder: Path
    kafka: str
    superuser_dsn: str = field(repr=False)
    postgres: tuple[str, int]
    ports: Mapping[str, int]
    prefix: str = "counterfoil"
    database: str = "counterfoil"
    passwords: Mapping[str, str] = field(default_factory=lambda: {role: database.password() for role in ROLES}, repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """By role: what only that process is told. `ops` is who makes the topics."""
    modules: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MODULES)
    host: str = "127.0.0.1"
    sole: bool = False
    """Whether nobody else lends by the demo's broker."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.ports['gateway-http']}"

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.ports['issuer']}"

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self.ports['console-http']}"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def dsns(self) -> Mapping[str, str]:
        return database.role_dsns(*self.postgres, self.database, self.passwords.__getitem__)

    @property
    def connection(self) -> Connection:
        return connection({**self.extra, **self.own.get("ops", {}), "COUNTERFOIL_KAFKA": self.kafka, "COUNTERFOIL_PREFIX": self.prefix})


async def prepare(plan: Plan, say: Say) -> None:
    """Topics, tables, roles, keys. Everything that is there already stays."""
    made = await kafka_topics.create(plan.connection, TOPICS, PARTITIONS)
    if made:
        say(f"Made {len(made)} topics")
    await database.prepare(plan.superuser_dsn, plan.database, plan.passwords.__getitem__)
    ours = await asyncpg.connect(plan.superuser_dsn, database=plan.database)
    try:
        await key_chest.init(ours, plan.keys, utc_now(), origin=origin(plan))
    finally:
        await ours.close()


def origin(plan: Plan) -> str:
    return f"{plan.prefix}.local/log"


def environment(plan: Plan, role: str) -> dict[str, str]:
    """What one process sees, and nothing of the others'."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "SSL_CERT_FILE") if name in os.environ}
    return (
        kept
        | {
            "PYTHONUNBUFFERED": "1",
            "COUNTERFOIL_KAFKA": plan.kafka,
            "COUNTERFOIL_PREFIX": plan.prefix,
            "COUNTERFOIL_PARTITIONS": str(PARTITIONS),
            "COUNTERFOIL_DATABASE": plan.dsns[role],
            "COUNTERFOIL_KEYS": str(plan.keys / role),
            "COUNTERFOIL_URL": plan.url,
            "COUNTERFOIL_ORIGIN": origin(plan),
            "COUNTERFOIL_PORT": str(plan.ports["gateway-http"]),
            "COUNTERFOIL_FIRST_ADMIN": f"{plan.issuer}|admin",
            "COUNTERFOIL_CONSOLE_CLIENT": CONSOLE_CLIENT,
            "COUNTERFOIL_HEALTH_PORT": str(plan.ports[role]),
            "COUNTERFOIL_DEVELOPMENT": "1",
            "COUNTERFOIL_SAMPLED": "1",
        }
        | (of_console(plan) if role == "console" else {})
        | dict(plan.extra)
        | dict(plan.own.get(role, {}))
    )


def of_console(plan: Plan) -> dict[str, str]:
    port = str(plan.ports["console-http"])
    receiver = {"COUNTERFOIL_CONSOLE_OTLP_PORT": str(plan.ports["console-otlp"])} if "console-otlp" in plan.ports else {}
    return receiver | {"COUNTERFOIL_CONSOLE_URL": plan.console, "COUNTERFOIL_CONSOLE_ISSUER": plan.issuer, "COUNTERFOIL_CONSOLE_PORT": port}


def service(plan: Plan, role: str) -> Command:
    return Command(role, (sys.executable, "-m", *plan.modules[role]), env=environment(plan, role), cwd=ROOT, beside=True)


def issuer(plan: Plan) -> Command:
    env = {
        "PATH": os.environ.get("PATH", os.defpath), "PYTHONUNBUFFERED": "1", "COUNTERFOIL_ISSUER_PORT": str(plan.ports["issuer"]),
        "COUNTERFOIL_ISSUER_KEYS": str(plan.folder / "issuer"), "COUNTERFOIL_ISSUER_AUDIENCE": plan.url,
        "COUNTERFOIL_ISSUER_TICKETS": str(plan.folder / "tickets"),
    }  # fmt: skip
    if "console" in plan.modules:
        env["COUNTERFOIL_ISSUER_CLIENTS"] = f"{CONSOLE_CLIENT}={plan.console}/login/callback"
    return Command("issuer", (sys.executable, "-m", "services.dev.issuer"), env=env, cwd=ROOT, beside=True)


async def start(plan: Plan, children: Children) -> None:
    """All at once; returns when each says that it is ready."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as http:

        async def up(command: Command, url: str) -> None:
            async def ready() -> bool:
                try:
                    return (await http.get(url)).is_success
                except httpx.HTTPError:
                    return False

            await children.start(command, ready)

        await together(
            up(issuer(plan), f"{plan.issuer}/jwks"),
            *(up(service(plan, role), f"http://127.0.0.1:{plan.ports[role]}/readyz") for role in plan.modules),
        )
