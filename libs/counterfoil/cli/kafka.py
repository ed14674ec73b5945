"""Where Kafka is, as the environment says it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from counterfoil.client.well_known import WellKnown
from counterfoil.contracts import exchange_replied
from counterfoil.wire.kafka import Connection, KafkaError, Listener
from counterfoil.wire.secret import Secret


def connection(env: Mapping[str, str]) -> Connection:
    password = env.get("COUNTERFOIL_KAFKA_PASSWORD")
    return Connection(
        env["COUNTERFOIL_KAFKA"], username=env.get("COUNTERFOIL_KAFKA_USERNAME") or None, password=Secret(password) if password else None,
        tls=env.get("COUNTERFOIL_KAFKA_TLS") == "1", cafile=env.get("COUNTERFOIL_KAFKA_CA") or None,
    )  # fmt: skip


async def partitions_of(env: Mapping[str, str], known: WellKnown, patience: float) -> tuple[str, int | None]:
    """The servers, and how many partitions the replies have; None where nobody answers. It needs no right but to read them."""
    if "COUNTERFOIL_KAFKA" not in env and known.kafka is None:
        return "", None
    found = replace(connection(env), prefix=known.topics_prefix) if "COUNTERFOIL_KAFKA" in env else Connection(known.kafka or "", known.topics_prefix)
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
