"""Dead letters: found on `<topic>.dlq`, and put back where they came from, byte for byte and under the signature they had.

Putting one back widens nothing: its reader checks signature, deadline and repeats as it did the first time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from counterfoil.contracts import TOPICS
from counterfoil.wire.kafka import Connection, Publisher, Record
from counterfoil.wire.kafka_past import held
from counterfoil_server.runtime.store.dead_letters import Place

GRAVE = ".dlq"
OURS = "dlq-"
"""How the headers begin that were added when it was buried."""
MOST = 500
BURIED = tuple(topic for topic in TOPICS if topic.read_by and set(topic.read_by) - {"gateway", "client", "consumer"})
"""What a stage reads, and so may have buried."""


@dataclass(frozen=True, slots=True)
class Letter:
    place: Place
    at: datetime
    code: str
    by: str
    origin: tuple[int, int]
    """Partition and offset in the topic that it came from."""
    key: bytes = field(repr=False)
    value: bytes = field(repr=False)
    headers: Mapping[str, bytes] = field(repr=False)

    @property
    def original(self) -> Sequence[tuple[str, bytes]]:
        return [(name, value) for name, value in self.headers.items() if not name.startswith(OURS)]


def names() -> Sequence[str]:
    return [str(topic) for topic in BURIED]


async def letters(connection: Connection, topics: Collection[str], most: int = MOST) -> Sequence[Letter]:
    """What lies there now, the oldest first, at most so many."""
    named = {connection.topic(topic + GRAVE): topic for topic in topics}
    found = [letter(named[raw.topic], raw) for raw in await held(connection, named, most)]
    return sorted(found, key=lambda one: (one.at, one.place))[:most]


def letter(topic: str, raw: Any) -> Letter:
    headers = dict(raw.headers)
    said = {name: headers.get(OURS + name, b"").decode("utf-8", "replace") for name in ("code", "by", "partition", "offset")}
    origin = (number(said["partition"]), number(said["offset"]))
    at = datetime.fromtimestamp(raw.timestamp / 1000, UTC)
    return Letter(Place(topic, raw.partition, raw.offset), at, said["code"], said["by"], origin, raw.key or b"", raw.value or b"", headers)


def number(text: str) -> int:
    return int(text) if text.isdecimal() else -1


async def put_back(connection: Connection, found: Sequence[Letter]) -> None:
    """Returns when the broker has them. A letter goes to the partition that it came from: there it is in order with its exchange."""
    publisher = Publisher(connection)
    await publisher.start()
    try:
        records = [
            Record(connection.topic(one.place.topic), one.key, one.value, one.original, one.origin[0] if one.origin[0] >= 0 else None)
            for one in found
        ]
        await publisher.acked(await publisher.send(records))
    finally:
        await publisher.stop()
