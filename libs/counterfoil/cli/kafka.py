"""Where Kafka is, as the environment says it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from counterfoil.client import environment
from counterfoil.client.well_known import WellKnown
from counterfoil.contracts import exchange_replied
from counterfoil.wire.kafka import Connection, KafkaError, Listener


async def partitions_of(env: Mapping[str, str], known: WellKnown, patience: float) -> tuple[str, int | None]:
    """The servers, and how many partitions the replies have; None where nobody answers. It needs no right but to read them."""
    given = environment.kafka(env)
    if given is None and known.kafka is None:
        return "", None
    found = replace(given, prefix=known.topics_prefix) if given else Connection(known.kafka or "", known.topics_prefix)
    listener = Listener(found, found.topic(exchange_replied.TOPIC), 0)
    try:
        async with asyncio.timeout(patience):
            await listener.start()
            return found.servers, len(await listener.partitions())
    except ValueError:
        return found.servers, 0
    except (KafkaError, OSError, TimeoutError):
        return found.servers, None
    finally:
        await listener.stop()
