"""Every service, with the provider that faults behind mint and revoke, and the connectors that are lent from it."""

import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.dev import kafka, postgres, seed
from services.dev.children import Children
from services.dev.jars import ROOT
from services.dev.ports import HOST, free_port
from services.dev.postgres import Postgres
from services.dev.spawn import Command
from services.dev.town import SERVICES
from services.dev.trouble import Say
from tests.faults.truth import Life, Truth
from tests.support.town import Town, founded

MAIN, STOPPED, HELD, CUT = "fault/main", "fault/stopped", "held/main", "cut/main"
"""By name, twice; by possession; by principal. See `adapter`."""
EXTRA = {"COUNTERFOIL_EXTRA_PROVIDERS": "fault,held,cut", "COUNTERFOIL_SAMPLED": "0", "COUNTERFOIL_LOG_LEVEL": "WARNING"}
OURS = {role: ("tests.faults.providers", role) for role in ("mint", "revoke")}
Modules = Mapping[str, tuple[str, ...]]


@dataclass
class Stand:
    town: Town
    provider: str
    folder: Path

    async def plan(self, *rules: dict[str, Any], seed: int = 9) -> None:
        (await self.town.http.post(f"{self.provider}/plan", json={"rules": rules, "seed": seed})).raise_for_status()

    async def met(self) -> dict[str, int]:
        return dict((await self.town.http.get(f"{self.provider}/met")).raise_for_status().json())

    async def heard(self, *names: str) -> bool:
        """Whether the provider was asked for any of these, as far as it says so in time."""
        with suppress(httpx.HTTPError):
            return bool((await self.town.http.post(f"{self.provider}/heard", json={"names": names}, timeout=5)).json()["any"])
        return False

    def lives(self) -> list[Life]:
        return Truth(self.folder / "truth.sqlite").lives()


@asynccontextmanager
async def stood(
    folder: Path, servers: str, server: Postgres, modules: Modules | None = None, env: Mapping[str, str] | None = None, **changed: Any
) -> AsyncIterator[Stand]:
    """`changed`: of its Plan."""
    extra = EXTRA | dict(env or {})
    async with founded(folder, servers, server, extra=extra, modules={**SERVICES, **OURS, **(modules or {})}, **changed) as town:
        port = free_port()
        url = f"http://{HOST}:{port}"

        async def ready() -> bool:
            try:
                return (await town.http.get(f"{url}/met")).is_success
            except httpx.HTTPError:
                return False

        argv = (sys.executable, "-m", "tests.faults.server", str(folder), str(port))
        await town.children.start(Command("provider", argv, cwd=ROOT, beside=True), ready)
        await declared(town, url)
        yield Stand(town, url, folder)


async def declared(town: Town, url: str) -> None:
    known = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).raise_for_status().json()
    entries: list[dict[str, Any]] = []
    sealed = []
    for name in (MAIN, STOPPED, HELD, CUT):
        entries += [
            {"kind": "connector", "name": name, "config": {"url": url, "connector": name}, "scopes": ["read"]},
            {"kind": "link", "connector": name, "project": "web", "environments": ["production"], "ceiling": {"scopes": ["read"], "longest": 600}},
        ]
        info = binding.root(name, seed.INSTALLATION, "token", 1)
        box = Sealer().seal(Secret(secrets.token_urlsafe(16)), from_url(known["mint_key"]["key"].encode()), info)
        sealed.append({"connector": name, "installation": seed.INSTALLATION, "field": "token", "version": 1, "sealed": to_url(box).decode()})
    body = {"entries": entries, "secrets": sealed}
    answer = await town.http.post(f"{town.plan.url}/v1/registry", json=body, headers=await town.admin())
    assert answer.is_success, answer.text


@dataclass(frozen=True)
class Parts:
    children: Children
    kafka: kafka.Kafka
    postgres: Postgres
    ports: tuple[int, int]
    """Of Kafka."""


@asynccontextmanager
async def parted(folder: Path, say: Say, ports: tuple[int, int] | None = None, advertised: int = 0) -> AsyncIterator[Parts]:
    """A Kafka and a PostgreSQL of its own, below a folder that goes away."""
    ports = ports or (free_port(), free_port())
    with tempfile.TemporaryDirectory(dir="/var/tmp") as apart, pytest.MonkeyPatch.context() as patch:
        Path(apart).chmod(0o755)  # where root's PostgreSQL lives if it cannot live below a folder of root's
        patch.setenv("COUNTERFOIL_APART", apart)
        async with Children(folder / "parts") as children:
            server = await postgres.start(children, free_port(), say)
            node = await kafka.start(children, *ports, say, advertised=advertised)
            (folder / "town").mkdir()
            yield Parts(children, node, server, ports)


@asynccontextmanager
async def standing(say: Say, modules: Modules | None = None, env: Mapping[str, str] | None = None) -> AsyncIterator[Stand]:
    with tempfile.TemporaryDirectory(prefix="counterfoil-faults-") as name:
        folder = Path(name)
        async with parted(folder, say) as parts, stood(folder / "town", parts.kafka.servers, parts.postgres, modules, env) as stand:
            yield stand
