"""How large the batches were: each signed record says how many were published with it, so this is read afterwards and costs the run nothing."""

from collections import defaultdict
from collections.abc import Mapping

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_replied, exchange_verified
from counterfoil.wire.envelope import SIGNATURE
from counterfoil.wire.kafka import AIOKafkaConsumer, Connection, TopicPartition

STAGES = {"verify": exchange_verified.TOPIC, "authorize": exchange_authorized.TOPIC, "mint": exchange_minted.TOPIC, "audit": exchange_replied.TOPIC}
MOST = 2000
"""Records of a partition that are looked at, the last ones."""
Marks = Mapping[TopicPartition, int]


async def marks(connection: Connection, partitions: int) -> Marks:
    """Where each partition ends now."""
    consumer = AIOKafkaConsumer(**connection.options())
    await consumer.start()
    try:
        places = [TopicPartition(connection.topic(topic), number) for topic in STAGES.values() for number in range(partitions)]
        return dict(await consumer.end_offsets(places))
    finally:
        await consumer.stop()


async def means(connection: Connection, before: Marks, after: Marks) -> dict[str, float]:
    """Records for each batch between the two marks, by stage."""
    stages = {connection.topic(topic): stage for stage, topic in STAGES.items()}
    records, shares = defaultdict[str, int](int), defaultdict[str, float](float)
    consumer = AIOKafkaConsumer(**connection.options())
    await consumer.start()
    try:
        left = {place: end for place, end in after.items() if end > before[place]}
        consumer.assign(list(left))
        for place, end in left.items():
            consumer.seek(place, max(before[place], end - MOST))
        while left:
            for place, found in (await consumer.getmany(timeout_ms=1000)).items():
                for record in (one for one in found if one.offset < after[place]):
                    records[stages[place.topic]] += 1
                    shares[stages[place.topic]] += 1 / size(dict(record.headers)[SIGNATURE])
            left = {place: end for place, end in left.items() if await consumer.position(place) < end}
    finally:
        await consumer.stop()
    return {stage: records[stage] / shares[stage] for stage in STAGES if records[stage]}


def size(signature: bytes) -> int:
    return int(signature.split(b".")[1])
