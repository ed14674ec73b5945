"""The ground that every service stands on, and what may happen to it: Kafka and PostgreSQL killed, the network between, the disk."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from services.dev import kafka, pids, postgres
from services.dev.children import Children
from services.dev.ports import HOST, free_port
from services.dev.trouble import Say
from tests.faults.disk import Disk, NoDisk, small
from tests.faults.keeping import Keeper
from tests.faults.proxy import Proxy
from tests.faults.stand import Stand, declared, parted, stood
from tests.support.up import family


@dataclass
class Ground:
    """`proxies`: before Kafka, PostgreSQL and the provider. `disk` is PostgreSQL's, or why it has none of its own."""

    stand: Stand
    parts: Children
    kafka: kafka.Kafka
    postgres: postgres.Postgres
    ports: tuple[int, int]
    proxies: Mapping[str, Proxy]
    keeper: Keeper
    disk: Disk | str
    say: Say

    async def kill_kafka(self, away: float = 0.0) -> None:
        """And start it again, on its data."""
        os.kill(self.kafka.child.process.pid, signal.SIGKILL)
        await self.kafka.child.process.wait()
        await self.parts.forget(self.kafka.child)
        await asyncio.sleep(away)
        self.kafka = await kafka.start(self.parts, *self.ports, self.say, advertised=self.proxies["kafka"].port)

    async def kill_postgres(self, away: float = 0.0) -> None:
        """All of its processes at once, as a power cut would."""
        top = self.postgres.child.process
        below = family(top.pid)
        for pid in (top.pid, *below):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(pids.born(pid) == born for pid, born in below.items()):  # noqa: ASYNC110 - the kernel ends them
            await asyncio.sleep(0.02)
        await asyncio.sleep(away)
        await self.postgres_again()

    async def postgres_again(self) -> None:
        """Where it has ended. It may find that it cannot start yet."""
        await self.postgres.child.process.wait()
        await self.parts.forget(self.postgres.child)
        self.postgres = await postgres.start(self.parts, self.postgres.port, self.say)

    async def postgres_ended(self, within: float) -> bool:
        try:
            await asyncio.wait_for(self.postgres.child.process.wait(), within)
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def grounded(folder: Path, say: Say, *, own_disk: bool = False) -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        disk: Disk | str = "not asked for"
        if own_disk:
            (folder / "parts").mkdir(mode=0o700)
            try:
                disk = stack.enter_context(small(folder / "parts" / "postgres", folder / "disk"))
            except NoDisk as reason:
                disk = str(reason)
        ports = free_port(), free_port()
        before = await stack.enter_async_context(Proxy(free_port(), ports[0]))
        parts = await stack.enter_async_context(parted(folder, say, ports, before.port))
        sql = await stack.enter_async_context(Proxy(free_port(), parts.postgres.port))
        stand = await stack.enter_async_context(stood(folder / "town", parts.kafka.servers, parts.postgres, postgres=(HOST, sql.port)))
        provider = await stack.enter_async_context(Proxy(free_port(), int(stand.provider.rpartition(":")[2])))
        await declared(stand.town, f"http://{HOST}:{provider.port}")
        keeper = Keeper(stand.town.children)
        watching = asyncio.create_task(keeper.run())
        stack.callback(watching.cancel)
        proxies = {"kafka": before, "postgres": sql, "provider": provider}
        yield Ground(stand, parts.children, parts.kafka, parts.postgres, parts.ports, proxies, keeper, disk, say)
