"""Which partitions hold records that this process has not taken yet, by what its consumers know themselves: no question to the broker."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from counterfoil.wire.kafka import KafkaError

PATIENCE = 1.0


class Unread:
    """The shell says where the consumers are, once there are any."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}."
        self.consumers: Callable[[], Sequence[Any]] = tuple

    async def __call__(self) -> Collection[tuple[str, int]] | None:
        """(topic, partition); None while that is not known: before the partitions are assigned, and within a rebalance."""
        found = set()
        assigned = [(consumer, place) for consumer in self.consumers() for place in consumer.assignment()]
        try:
            async with asyncio.timeout(PATIENCE):  # one for all: it is asked before every batch
                for consumer, place in assigned:
                    end = consumer.highwater(place)
                    if end is None or await consumer.position(place) < end:
                        found.add((place.topic.removeprefix(self._prefix), place.partition))
        except (KafkaError, TimeoutError, AssertionError):  # aiokafka asserts that a partition is assigned
            return None
        return found if assigned else None
