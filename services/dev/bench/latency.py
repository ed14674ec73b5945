"""Latency at 50 a second, with the two floors of the same minutes beside it: a relay over the same topics, and one bare trip there and back."""

from statistics import median

from services.dev.bench import relays
from services.dev.bench.figures import Figure
from services.dev.bench.loading import Measured, load
from services.dev.bench.rates import spec, warm
from services.dev.bench.runs import rate
from services.dev.bench.sizes import Sizes
from services.dev.bench.stand import Stand
from services.dev.town import PARTITIONS
from services.dev.trouble import Say

RATE = 50


async def at_fifty(stand: Stand, sizes: Sizes, dsn: str, say: Say) -> list[Figure]:
    kafka, runs = stand.plan.kafka, dict[str, list[Measured]](ours=[], relay=[], echo=[])
    async with (
        relays.relaying(stand, "relay", relays.FIVE_TOPICS, dsn),
        relays.relaying(stand, "echo", relays.ECHO, dsn),
        load(lambda: stand.pids, "bus", kafka=kafka, **spec(stand, sizes)) as ours,
        load(dict, "relay", kafka=kafka, prefix="relay", partitions=PARTITIONS) as relay,
        load(dict, "relay", kafka=kafka, prefix="echo", partitions=PARTITIONS) as echo,
    ):
        clients = {"echo": echo, "relay": relay, "ours": ours}
        for client in clients.values():
            await warm(client, sizes)
        for turn in range(sizes.repeats):
            say(f"Latency at {RATE}/s, {turn + 1} of {sizes.repeats}")
            for name, client in clients.items():
                runs[name].append(await client.open(RATE, sizes.slow))
    return compared(runs)


def compared(runs: dict[str, list[Measured]]) -> list[Figure]:
    p50s = [ours.p50 / floor.p50 for ours, floor in zip(runs["ours"], runs["relay"], strict=True)]
    p99s = [ours.p99 / floor.p99 for ours, floor in zip(runs["ours"], runs["relay"], strict=True)]
    return [
        rate(f"floor: bare trip over Kafka, two hops, at {RATE}/s", runs["echo"]),
        rate(f"floor: relay, five topics, fsyncs made, at {RATE}/s", runs["relay"]),
        rate(f"exchanges over the bus, Poisson at {RATE}/s", runs["ours"]),
        Figure("  its p50, over the relay's", median(p50s), "x", most=1.5, runs=p50s),
        Figure("  its p99, over the relay's", median(p99s), "x", most=2, runs=p99s),
    ]
