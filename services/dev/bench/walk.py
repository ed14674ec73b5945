"""A whole run, in its order: floors first, what fills the tables last."""

import asyncio
from collections.abc import AsyncIterator

from services.dev.bench import commands, floors, lasting, latency, rates, relays, roles
from services.dev.bench.figures import Figure
from services.dev.bench.sizes import Sizes
from services.dev.bench.stand import Stand, standing
from services.dev.trouble import Say


async def measured(sizes: Sizes, say: Say) -> list[Figure]:
    async with standing(say) as stand:
        return [figure async for part in parts(stand, sizes, say) for figure in part]


async def parts(stand: Stand, sizes: Sizes, say: Say) -> AsyncIterator[list[Figure]]:
    yield [Figure("start to the first exchange, once installed", stand.ready_after, "s", most=15)]
    yield await floor(stand, sizes, say)
    yield await commands.commands(stand, sizes, say)
    dsn = await relays.database(stand)
    yield await latency.at_fifty(stand, sizes, dsn, say)
    yield await rates.over_the_bus(stand, sizes, dsn, say)
    yield await rates.by_the_sdk(stand, sizes, say)
    yield await rates.open_loop(stand, sizes, say)
    yield await rates.over_http(stand, sizes, say)
    yield await roles.lending(stand, sizes, say)
    memory, expiry = await asyncio.gather(lasting.memory(stand, sizes, say), lasting.expiry(stand, sizes))
    yield expiry
    yield memory
    yield await roles.revoking(stand, say)


async def floor(stand: Stand, sizes: Sizes, say: Say) -> list[Figure]:
    say("Floors")
    p50, p99 = await floors.fdatasync(stand.plan.folder, sizes.syncs)
    return [
        Figure("floor: RS256 verification", floors.rs256(sizes.crypto), "us"),
        Figure("floor: Ed25519 verification", floors.ed25519_verify(sizes.crypto), "us"),
        Figure("floor: fdatasync of 4 KB", p50, "ms", beside=f"p99 {p99:.2f} ms", more={"p99_ms": p99}),
    ]
