"""A console as it runs, with a gateway behind it: processes of their own on a real PostgreSQL and a real Kafka. Who serves exchanges is not there."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import asyncpg
import httpx

from services.dev import kafka, postgres, seed, town
from services.dev.bench import apart
from services.dev.bench.console_made import registry
from services.dev.children import Children
from services.dev.login_link import link
from services.dev.ports import HOST, free_port
from services.dev.town import MODULES, Plan
from services.dev.trouble import Say, Trouble

MADE = ("gateway", "console")
PORTS = ("gateway", "gateway-http", "issuer", "console", "console-http", "console-otlp")

SECRETS = """INSERT INTO root_secret (connector, installation, field, version, sealed, at)
    SELECT name, 'default', 'token', 1, '\\x00', clock_timestamp() - interval '40 days' FROM connector"""


@dataclass(frozen=True)
class Standing:
    plan: Plan
    children: Children

    @property
    def pids(self) -> Mapping[str, int]:
        known = self.children.pids()
        return {name: known[name] for name in ("console", "postgres", "gateway")}

    @asynccontextmanager
    async def sql(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.plan.superuser_dsn, database=self.plan.database)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        """Signed in as an admin by the one-time link, through the local issuer."""
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=self.plan.console, timeout=30, trust_env=False, limits=limits) as http:
            answer = await http.get(link(self.plan.folder, self.plan.ports["console-http"]))
            while answer.is_redirect:
                answer = await http.get(urljoin(str(answer.request.url), answer.headers["location"]))
            if answer.is_error:
                raise Trouble(f"nobody could sign in: {answer.status_code}", f"read {self.plan.folder / 'logs' / 'console.log'}")
            yield http


@asynccontextmanager
async def standing(folder: Path, say: Say, fill: Callable[[Plan], Awaitable[None]]) -> AsyncIterator[Standing]:
    """Filled before anything of ours runs: the console counts what is new in the log. A folder that was filled before is taken as it is."""
    known = folder / "ports.json"
    filled = known.exists()
    ports = json.loads(known.read_text()) if filled else {part: free_port() for part in PORTS}
    async with apart.children(folder) as children:
        server = await postgres.start(children, free_port(), say)
        node = await kafka.start(children, free_port(), free_port(), say)
        modules, extra = {role: MODULES[role] for role in MADE}, {"COUNTERFOIL_EXTRA_PROVIDERS": "instant"}
        plan = Plan(children.folder, node.servers, server.superuser_dsn, (HOST, server.port), ports, modules=modules, extra=extra)
        await town.prepare(plan, say)
        await fill(plan)
        await town.start(plan, children)
        if not filled:
            await declared(plan)
            known.write_text(json.dumps(ports))
        yield Standing(plan, children)


async def declared(plan: Plan) -> None:
    entries = [one.model_dump(mode="json", exclude_none=True) for one in registry()]
    local = {"kind": "issuer", "name": "local", "issuer": plan.issuer, "project": {"claim": "project"}, "environment": {"claim": "environment"}}
    entries += [local, {"kind": "operator", "issuer": plan.issuer, "subject": "admin", "role": "admin"}]
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        token = await seed.admin_token(http, plan)
        answer = await http.post(f"{plan.url}/v1/registry", json={"entries": entries}, headers={"Authorization": f"Bearer {token}"})
    if answer.is_error:
        raise Trouble(f"the bench's registry was refused: {answer.status_code} {answer.text[:300]}", "mend services/dev/bench/console_made.py.")
    ours = await asyncpg.connect(plan.superuser_dsn, database=plan.database)
    try:
        await ours.execute(SECRETS)
    finally:
        await ours.close()
