"""The shell of every process: open what it needs, run its stages and loops, end cleanly or with an error."""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from faststream import FastStream

from counterfoil.wire.kafka import Listener, Publisher
from counterfoil.wire.signing import Checker
from counterfoil_server.runtime import bus, crash, health
from counterfoil_server.runtime.dispatch import Dispatch
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.stage import Out, Stage
from counterfoil_server.runtime.starting import needing
from counterfoil_server.runtime.store.database import Pool, answers, connect
from counterfoil_server.runtime.telemetry import export, logs
from counterfoil_server.runtime.telemetry.process import Process, Sources
from counterfoil_server.runtime.telemetry.spans import Telemetry
from counterfoil_server.runtime.unread import Unread
from counterfoil_server.runtime.watch import Watch

log = logging.getLogger("counterfoil.service")
Clock = Callable[[], datetime]
GARBAGE = (25_000, 20, 50)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """What a service's wiring gets."""

    settings: Settings
    role: str
    db: Pool
    keys: KeyRing
    telemetry: Telemetry
    dispatch: Dispatch
    unread: Unread
    now: Clock = utc_now

    async def emit(self, outs: Sequence[Out]) -> None:
        """For outboxes: returns when the broker has acknowledged."""
        await self.dispatch.publish(outs)


@dataclass(frozen=True)
class Wiring:
    stages: Sequence[Stage] = ()
    loops: Sequence[Coroutine[Any, Any, None]] = ()
    closing: Sequence[Callable[[], Awaitable[None]]] = field(default=())
    listeners: Sequence[Listener] = ()
    """Readers without a group that the service runs itself: they are watched as its stages are."""
    publishers: Sequence[Publisher] = ()
    """Beside the process's own: how full they are is told with it."""
    member: str = ""
    """What it is called in its groups, where that is not its replica."""


Wire = Callable[[Runtime], Awaitable[Wiring]]


async def database(settings: Settings, name: str) -> Pool:
    with needing("the database", "COUNTERFOIL_DATABASE"):
        return await connect(settings.database, name=name, most=8)


@asynccontextmanager
async def opened(settings: Settings, role: str) -> AsyncIterator[Runtime]:
    """Database, keys, publisher: in this order, and closed in the other. What cannot be opened says so: see starting.py."""
    telemetry = Telemetry(role)
    db = await database(settings, role)
    publisher = Publisher(settings.kafka)
    try:
        keys = KeyRing(db, settings.keys, role)
        await keys.load()
        keys.complete()
        with needing(f"Kafka at {settings.kafka.servers}", "COUNTERFOIL_KAFKA"):
            await publisher.start()
        dispatch = Dispatch(settings.kafka, role, publisher, Checker(keys.public), keys, telemetry, time.time)
        yield Runtime(settings, role, db, keys, telemetry, dispatch, Unread(settings.kafka.prefix))
    finally:
        await publisher.stop()
        await asyncio.wait_for(db.close(), 5)


async def serve(settings: Settings, role: str, wire: Wire) -> None:
    """Until a signal comes or a loop fails. A failed loop ends the process: whoever started it starts it again, from committed offsets."""
    crash.arm(settings.crash)
    logs.install(role, settings.log_level)
    export.install(role, settings.replica, settings.otlp, settings.sampled)
    async with opened(settings, role) as runtime:
        watch = Watch(role, settings.kafka.prefix, runtime.telemetry.stalled)
        # One page from first to last: a probe that keeps its connection would otherwise go on asking a page of before.
        async with healthy(settings, watch, runtime.db):
            failed = await _run(runtime, await wire(runtime), watch)
    export.flush()
    if failed:
        raise SystemExit(1)


async def _run(runtime: Runtime, wiring: Wiring, watch: Watch) -> Sequence[BaseException]:
    """What failed."""
    settings = runtime.settings
    member = wiring.member or settings.replica
    broker = bus.broker(settings.kafka, wiring.stages, runtime.dispatch, replica=member, pacing_ms=settings.pacing_ms)
    runtime.telemetry.starts(stage.group for stage in wiring.stages)
    shell = FastStream(broker, logger=None, on_shutdown=[partial(bus.drained, broker)])
    runtime.unread.consumers = lambda: bus.consumers(broker)
    listening = [listener.consumer for listener in wiring.listeners]
    watch.over(lambda: [*bus.consumers(broker), *listening], len(wiring.stages) + len(listening))
    loops = [*wiring.loops, runtime.keys.keep_fresh(), *([watch.run()] if wiring.stages or wiring.listeners else [])]
    if settings.otlp:
        publishers = [runtime.dispatch.publisher, *wiring.publishers]
        sources = Sources(runtime.db, publishers, lambda: watch.backlog, lambda: bus.graves(broker, settings.kafka))
        loops.append(Process(runtime.telemetry.meter, sources).run())
    failed: list[BaseException] = []
    tasks = [asyncio.create_task(_guarded(loop, shell, failed)) for loop in loops]
    log.info("started", extra={"role": runtime.role})
    settle()
    try:
        await shell.run(sleep_time=0.1)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for close in wiring.closing:
            await close()
    return failed


def settle() -> None:
    """What is loaded by now stays: the collector need not look at it again, and the garbage of a batch is worth a look once, not fifty times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


async def _guarded(loop: Coroutine[Any, Any, None], shell: FastStream, failed: list[BaseException]) -> None:
    try:
        await loop
    except Exception as error:
        failed.append(error)
        log.exception("loop failed", extra={"error": type(error).__name__})
        shell.exit()


@asynccontextmanager
async def healthy(settings: Settings, watch: Watch, db: Pool) -> AsyncIterator[None]:
    """The health page, where a port is set."""
    if settings.health_port is None:
        yield
        return

    running = health.server(health.page(watch, partial(answers, db)), settings.host, settings.health_port)
    task = asyncio.create_task(running.serve())
    async with health.stopped_after(running):
        yield
    await task
