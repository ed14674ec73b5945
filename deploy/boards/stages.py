"""Stages: where the time goes, and where things pile up."""

from typing import Any

from counterfoil_server.runtime.telemetry import names
from deploy.boards.board import board
from deploy.boards.panel import BAD, COUNT, PER_SECOND, SECONDS, Ask, Limits, Panel, lines
from deploy.boards.queries import INTERVAL, mean, quantile, rate, told

BEHIND: Limits = ((2, "yellow"), (10, "red"))
GROUP, TOPIC, FAILED = "{{messaging_consumer_group_name}}", "{{messaging_destination_name}}", {names.ERROR: "!="}
FLOW = "{{group}}: {{topic}}"


def made() -> dict[str, Any]:
    says = "Each stage of the walk: how much, how long, what waits before it, and what it could not read."
    return board("stages", "stages", says, *work(), *waiting(), *trouble())


def work() -> list[Panel]:
    duration, wait = names.PROCESS_DURATION, names.QUEUE_DURATION
    failures = Ask(rate(duration, names.GROUP, names.ERROR, where=FAILED), "{{messaging_consumer_group_name}}: {{error_type}}")
    shares = [Ask(quantile(share, duration, names.GROUP), f"{GROUP} {label}") for share, label in ((0.5, "p50"), (0.99, "p99"))]
    queued, worked = Ask(mean(wait, names.BY_GROUP), "{{group}} waits"), Ask(mean(duration, names.GROUP), f"{GROUP} works")
    broker = [Ask(quantile(share, names.SEND_DURATION), label) for share, label in ((0.5, "p50"), (0.99, "p99"))]
    return [
        lines("Taken, by stage", names.CONSUMED.says, PER_SECOND, Ask(rate(names.CONSUMED, names.GROUP), GROUP)),
        lines("Sent, by topic", names.SENT.says, PER_SECOND, Ask(rate(names.SENT, names.DESTINATION), TOPIC)),
        lines("Duration", f"{duration.says} A dot is one that was traced: it leads there.", SECONDS, *shares),
        lines("Failures", "Batches that ended in an error, by its type. A no is none.", PER_SECOND, failures, limits=((0.01, "red"),)),
        lines("Queue against work", "Means, stacked: how long a record waits at each stage and how long it is worked on.", SECONDS, queued, worked,
              width=24, stacked=True),
        lines("Queue, p99", wait.says, SECONDS, Ask(quantile(0.99, wait, *wait.labels), FLOW)),
        lines("The broker's acknowledgement", names.SEND_DURATION.says, SECONDS, *broker),
    ]  # fmt: skip


def waiting() -> list[Panel]:
    return [
        lines("Lag, in messages", names.LAG.says, COUNT, Ask(told(names.LAG, *names.LAG.labels), FLOW)),
        lines("Lag, in seconds", names.LAG_AGE.says, SECONDS, Ask(told(names.LAG_AGE, *names.LAG_AGE.labels), FLOW), limits=BEHIND),
    ]


def trouble() -> list[Panel]:
    dead = names.DEAD_LETTERS
    stalls, rebalances = (f"sum by (group) (increase({one.prometheus}[{INTERVAL}]))" for one in (names.STALLS, names.REBALANCES))
    return [
        lines("Rebalances and stalls", f"{names.REBALANCES.says} {names.STALLS.says}", COUNT, Ask(rebalances, "{{group}} dealt anew"),
              Ask(stalls, "{{group}} stalled"), width=8),
        lines("Retries", names.RETRIES.says, PER_SECOND, Ask(rate(names.RETRIES, names.BY_GROUP), "{{group}}"), width=8),
        lines("Dead letters, kept", names.DLQ_DEPTH.says, COUNT, Ask(told(names.DLQ_DEPTH, names.BY_TOPIC), "{{topic}}"), width=8, limits=BAD),
        lines("Dead letters, by cause", dead.says, PER_SECOND, Ask(rate(dead, *dead.labels), "{{topic}}: {{reason}}"),
              width=24),
    ]  # fmt: skip
