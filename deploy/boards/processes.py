"""Self: the processes themselves."""

from typing import Any

from counterfoil_server.runtime.telemetry import names
from deploy.boards.board import board
from deploy.boards.panel import BYTES, COUNT, PER_SECOND, SECONDS, Ask, Limits, lines
from deploy.boards.queries import INSTANCE, JOB, grouped, quantile, rate

HELD_UP: Limits = ((0.25, "yellow"), (1, "red"))
WHO = "{{instance}}"


def made() -> dict[str, Any]:
    says = "What each process is like from within: is its loop free, how much memory does it hold, does it wait for its database or its broker."
    replicas = Ask(f"count by ({JOB}) ({names.LOOP_LAG.prometheus})", "{{job}}")
    return board(
        "self", "self", says,
        lines("Replicas that report", "By process. One that is missing here says nothing at all.", COUNT, replicas),
        lines("Loop lag", names.LOOP_LAG.says, SECONDS, Ask(each(names.LOOP_LAG.prometheus), WHO), limits=HELD_UP),
        lines("Memory", names.MEMORY.says, BYTES, Ask(each(names.MEMORY.prometheus), WHO)),
        lines("Producer's buffer", names.PRODUCER_BUFFER.says, COUNT, Ask(each(names.PRODUCER_BUFFER.prometheus), WHO)),
        lines("Waiting for the pool, p99", names.POOL_WAIT.says, SECONDS, Ask(quantile(0.99, names.POOL_WAIT, JOB), "{{job}}")),
        lines("Dropped spans", names.SPANS_DROPPED.says, PER_SECOND, Ask(rate(names.SPANS_DROPPED, JOB), "{{job}}"), limits=((0.01, "red"),)),
    )  # fmt: skip


def each(name: str) -> str:
    return grouped("max", (INSTANCE,), name)
