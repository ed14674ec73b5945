"""What topics hold now, read once: no group is joined, nothing is committed, and what comes meanwhile is not waited for."""

from collections.abc import Collection, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer

from counterfoil.wire.kafka import Connection, bounded

POLL_MS = 500


async def held(connection: Connection, topics: Collection[str], most: int) -> Sequence[Any]:
    """Records of these topics, named with their prefix, the oldest of each partition first; about `most` at the most."""
    found: list[Any] = []
    consumer = AIOKafkaConsumer(*topics, **connection.options(), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        places = consumer.assignment()
        starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        open_ = {place for place in places if starts[place] < ends[place]}
        while open_ and len(found) < most:
            for place, records in (await consumer.getmany(*open_, timeout_ms=POLL_MS, max_records=most)).items():
                found += [one for one in records if one.offset < ends[place]]
            open_ = {place for place in open_ if await consumer.position(place) < ends[place]}
    finally:
        await bounded(consumer.stop())
    return found
