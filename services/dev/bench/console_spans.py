"""Spans as the receiver keeps them, of one exchange in twenty of the last three days."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from counterfoil_server.runtime.telemetry import names

COLUMNS = ("trace_id", "span_id", "parent_id", "request_id", "service", "name", "kind", "started", "seconds", "failed", "attributes")
HOPS = (
    ("gateway", "POST /oauth2/token"), ("gateway", "send exchange.requested"), ("verifier", "process exchange.requested"),
    ("verifier", "send exchange.verified"), ("policy", "process exchange.verified"), ("policy", "send exchange.authorized"),
    ("mint", "process exchange.authorized"), ("mint", "mint"), ("mint", "send exchange.minted"), ("audit", "process exchange.minted"),
    ("audit", "append"), ("gateway", "process exchange.replied"),
)  # fmt: skip
SAMPLED, KEPT = 20, timedelta(hours=71)


def sampled(number: int) -> bool:
    return number % SAMPLED == 0


def spans(requests: Sequence[UUID], began: datetime, step: timedelta) -> list[tuple[object, ...]]:
    oldest = datetime.now(UTC) - KEPT
    moments = ((number, request, began + number * step) for number, request in enumerate(requests) if sampled(number))
    return [row for number, request, at in moments if at > oldest for row in of(request, at)]


def of(request: UUID, at: datetime) -> Iterator[tuple[object, ...]]:
    trace, parent = hashlib.sha256(request.bytes).digest()[:16], None
    for place, (service, name) in enumerate(HOPS):
        span = hashlib.sha256(request.bytes + bytes([place])).digest()[:8]
        told = json.dumps({names.SYSTEM: "kafka", names.QUEUE_SECONDS: 0.002, names.CONVERSATION: str(request), names.PARTITION: "3"})
        moment = at + timedelta(milliseconds=3 * place)
        yield trace, span, parent, request if place == 0 else None, f"counterfoil-{service}", name, 5, moment, 0.002, False, told
        parent = span
