"""Leaves of the log beside what the topics hold: none is without the fact that it was made of."""

from collections.abc import AsyncIterator, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

from counterfoil.contracts.base import Topic
from counterfoil_server.replay.source import BadSource
from services.ops.replay.stage_tally import Tally

MARGIN = timedelta(seconds=60)
"""So far apart may clocks be: of the services, of audit, of Kafka."""


@dataclass(frozen=True, slots=True)
class Held:
    """All that was published between these two lay on the topic, and was read."""

    since: datetime
    until: datetime

    def surely(self, at: datetime, recorded: datetime) -> bool:
        """A fact is published after it happened, however much later, and before its leaf is recorded."""
        return self.since + MARGIN <= at and recorded <= self.until - MARGIN


async def compare(leaves: AsyncIterator[tuple[int, dict[str, Any]]], held: Mapping[Topic, Held], facts: Container[bytes], tally: Tally) -> int:
    """How many leaves have their fact. `facts`: by the hash of their bytes."""
    spans, found = {kind: span for topic, span in held.items() for kind in kinds(topic)}, 0
    async for index, leaf in leaves:
        fact = leaf["fact"]
        span = spans.get(str(fact.get("kind")))
        if span is None or not span.surely(*times(index, leaf)):
            continue
        if bytes.fromhex(leaf["fact_sha256"]) in facts:
            found += 1
        else:
            asked = fact.get("asked") or {}
            tally.differs(f"leaf {index}", fact["kind"], asked.get("request_id", "-"), "its topic holds all of that time, and no such fact")
    return found


def kinds(topic: Topic) -> Sequence[str]:
    return [str(one.model_fields["kind"].default) for one in get_args(topic.carries) or (topic.carries,)]


def times(index: int, leaf: Mapping[str, Any]) -> tuple[datetime, datetime]:
    try:
        return datetime.fromisoformat(leaf["fact"]["at"]), datetime.fromisoformat(leaf["time"])
    except (KeyError, TypeError, ValueError):
        raise BadSource(f"leaf {index} has no time: `counterfoil audit verify` says what became of it") from None
