"""What may happen to the ground: each by name, as a function that returns when it is over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from counterfoil_server.runtime.store.database import AWAY
from tests.faults.disk import MIB, Disk
from tests.faults.ground import Ground

KILLED, DISTURBED = "killed", "disturbed"
DELAY, EVERY = 0.3, 0.5
"""Seconds: by which every byte is held up, and between two resets of everything that is open."""
MOST_SEGMENTS = 64
FULL = 8.0


@dataclass(frozen=True)
class Happening:
    """`does` may return a remark."""

    name: str
    counts: str
    does: Callable[[Ground], Awaitable[str | None]]


def happenings(ground: Ground, lasting: float) -> Sequence[Happening]:
    bad = [
        Happening(f"{which} {word}", DISTURBED, partial(way, which=which, lasting=lasting))
        for which in ground.proxies
        for word, way in (("delayed", delayed), ("reset", reset), ("dropped", dropped))
    ]
    full = [Happening("disk full", DISTURBED, disk_full)] if isinstance(ground.disk, Disk) else []
    return [Happening("kafka killed", KILLED, kafka_killed), Happening("postgres killed", KILLED, postgres_killed), *bad, *full]


def skipped(ground: Ground) -> str:
    return "" if isinstance(ground.disk, Disk) else f"disk full: skipped, since {ground.disk}"


async def kafka_killed(ground: Ground) -> None:
    await ground.kill_kafka()


async def postgres_killed(ground: Ground) -> None:
    await ground.kill_postgres()


async def delayed(ground: Ground, which: str, lasting: float) -> None:
    ground.proxies[which].delay = DELAY
    await asyncio.sleep(lasting)
    ground.proxies[which].fair()


async def reset(ground: Ground, which: str, lasting: float) -> str:
    cut = 0
    for _ in range(max(1, int(lasting / EVERY))):
        cut += ground.proxies[which].reset()
        await asyncio.sleep(EVERY)
    return f"{cut} connections reset"


async def dropped(ground: Ground, which: str, lasting: float) -> None:
    ground.proxies[which].dropping = True
    await asyncio.sleep(lasting)
    ground.proxies[which].fair()


async def disk_full(ground: Ground) -> str:
    """First tables cannot grow, then the log of what was committed cannot: after that PostgreSQL ends itself."""
    disk = ground.disk
    assert isinstance(disk, Disk)
    taken = disk.fill()
    try:
        await asyncio.sleep(FULL)
        await no_more_segments(ground, disk)
        ended = await ground.postgres_ended(FULL)
    finally:
        disk.free()
    if ended:
        await ground.postgres_again()
    how = "PostgreSQL ended itself and was started again" if ended else "PostgreSQL stayed"
    return f"{taken // MIB} MiB filled, on {disk.kind}; {how}"


async def no_more_segments(ground: Ground, disk: Disk) -> None:
    """Segments that lie ready are used up, until a new one does not fit."""
    with suppress(*AWAY):
        async with asyncio.timeout(2 * FULL), ground.stand.town.sql() as db:
            for _ in range(MOST_SEGMENTS):
                await db.execute("SELECT pg_logical_emit_message(false, 'faults', 'full')")
                await db.execute("SELECT pg_switch_wal()")
                disk.fill()
