"""When a stage does its work again: of each partition the first thing that was begun after a moment and has come to its end."""

from collections.abc import Iterable
from datetime import datetime

from aiokafka.partitioner import murmur2

from services.dev.town import PARTITIONS
from tests.faults.clients import Clients
from tests.faults.stand import MAIN
from tests.support.town import Town

Done = tuple[str, float, float]
"""The key of its record, when it began, and when it was done."""
REVOKED = "SELECT credential_id AS key, at, published_at AS done FROM revocation WHERE at >= $1 AND published_at IS NOT NULL"
ORDERED = """SELECT o.id AS key, o.at, min(r.published_at) AS done FROM revocation_order AS o JOIN revocation AS r ON r.order_id = o.id
    WHERE o.at >= $1 AND r.published_at IS NOT NULL GROUP BY o.id, o.at"""


def place(key: str, places: int = PARTITIONS) -> int:
    """The partition, as Kafka's own clients choose it."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % places


def back(done: Iterable[Done], since: float, places: int = PARTITIONS) -> float | None:
    """Seconds from `since` until every partition has done something that began after it; None while one has not."""
    first: dict[int, float] = {}
    for key, began, ended in done:
        if began >= since:
            at = place(key, places)
            first[at] = min(first.get(at, ended), ended)
    return max(first.values()) - since if len(first) == places else None


def answered(clients: Clients) -> list[Done]:
    return [
        (str(ask.request_id), ask.at, ask.ended_at)
        for ask in clients.asks
        if ask.ended == "credential" and ask.ended_at is not None and ask.connector == MAIN
    ]


async def settled(town: Town, query: str, since: float) -> list[Done]:
    """REVOKED or ORDERED."""
    async with town.sql() as db:
        rows = await db.fetch(query, datetime.fromtimestamp(since).astimezone())
    return [(str(row["key"]), row["at"].timestamp(), row["done"].timestamp()) for row in rows]
