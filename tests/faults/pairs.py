"""Two of every service, with a balancer before the gateways: killed and restarted one by one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from services.dev import town as towns
from services.dev.child import Child
from services.dev.ports import HOST, free_port
from services.dev.postgres import Postgres
from services.dev.spawn import Command
from services.dev.supervision import up_at_once
from services.dev.town import MODULES, SERVICES
from tests.faults.proxy import Proxy
from tests.faults.stand import Stand, stood

PATIENCE = 60.0
STAGES = tuple(SERVICES)


@dataclass
class Pairs:
    """A replica is a role and its number. `health`: the ports of the second ones, and `door` of the second gateway's."""

    stand: Stand
    health: Mapping[str, int]
    door: int

    def command(self, role: str, number: int) -> Command:
        plan = self.stand.town.plan
        if number == 0:
            return towns.service(plan, role)
        own = {"COUNTERFOIL_REPLICA": "1", "COUNTERFOIL_HEALTH_PORT": str(self.health[role]), "COUNTERFOIL_PORT": str(self.door)}
        return replace(towns.service(replace(plan, own={**plan.own, role: own}), role), name=name(role, number))

    def child(self, role: str, number: int) -> Child:
        return self.stand.town.child(name(role, number))

    async def start(self, role: str, number: int) -> None:
        await self.stand.town.children.start(self.command(role, number), up_at_once)

    async def kill(self, role: str, number: int) -> None:
        """And nobody starts it again."""
        child = self.child(role, number)
        os.kill(child.process.pid, signal.SIGKILL)
        await child.process.wait()
        await self.stand.town.children.forget(child)

    async def restart(self, role: str, number: int) -> tuple[float, float]:
        """In order: it is asked to end, and waited for. Seconds until it had ended, and until it served again."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.stand.town.children.forget(self.child(role, number))
        ended = loop.time()
        await self.start(role, number)
        await self.serving(role, number)
        return ended - began, loop.time() - ended

    async def serving(self, role: str, number: int) -> None:
        """Of two audits one is ready, and the other stands by."""
        async with asyncio.timeout(PATIENCE):
            while not await self._serves(role, number):  # noqa: ASYNC110 - it is another process that becomes so
                await asyncio.sleep(0.05)

    async def _serves(self, role: str, number: int) -> bool:
        one_of = (0, 1) if role == "audit" else (number,)
        return await self.says("livez", role, number) and any([await self.says("readyz", role, one) for one in one_of])

    async def says(self, page: str, role: str, number: int) -> bool:
        port = self.health[role] if number else self.stand.town.plan.ports[role]
        try:
            return (await self.stand.town.http.get(f"http://{HOST}:{port}/{page}")).is_success
        except httpx.HTTPError:
            return False

    async def writer(self) -> int:
        """Which of the two audits appends."""
        return 0 if await self.says("readyz", "audit", 0) else 1


def name(role: str, number: int) -> str:
    return f"{role}-{number}" if number else role


@asynccontextmanager
async def paired(folder: Path, servers: str, server: Postgres) -> AsyncIterator[Pairs]:
    ports = {part: free_port() for part in ("gateway-http", "issuer", "console-http", *MODULES)}
    doors = free_port(), free_port()
    own = {"gateway": {"COUNTERFOIL_PORT": str(doors[0])}}
    async with Proxy(ports["gateway-http"], *doors), stood(folder, servers, server, ports=ports, own=own) as stand:
        pairs = Pairs(stand, {role: free_port() for role in STAGES}, doors[1])
        for role in STAGES:
            await pairs.start(role, 1)
        for role in STAGES:
            await pairs.serving(role, 1)
        yield pairs
