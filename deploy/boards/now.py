"""Now: is it well, and what is alive."""

from typing import Any

from counterfoil_server.runtime.telemetry import names
from deploy.boards.board import board
from deploy.boards.panel import BAD, COUNT, PER_SECOND, SECONDS, SHARE, TIMES, Ask, Limits, Panel, lines, number, table
from deploy.boards.queries import INTERVAL, quantile, rate, told, total

FAST, SLOW = "counterfoil:exchanges_failed:burn5m", "counterfoil:exchanges_failed:burn1h"
"""Recorded by deploy/prometheus/rules.yaml, which the alerts ask too."""
BURN: Limits = ((1, "yellow"), (14.4, "red"))
UNSETTLED: Limits = ((30, "yellow"), (60, "red"))
BURNS = "How fast the error budget of 99.9 % goes: at 1 it lasts its month, at 14.4 two days. Only `unavailable` counts: a no is an answer."


def made() -> dict[str, Any]:
    says = "Exchanges, what is alive, and what cannot be ended. The first row is what to look at first; every red number has an alert and a runbook."
    return board("now", "now", says, *numbers(), *exchanges(), *credentials())


def numbers() -> list[Panel]:
    failed = f'sum(rate({names.EXCHANGE_DURATION.prometheus}_count{{outcome="unavailable"}}[{INTERVAL}])) or vector(0)'
    return [
        number("Exchanges", "Answered at the door, whatever the answer was.", PER_SECOND, Ask(rate(names.EXCHANGE_DURATION)), decimals=1),
        number("Answered", "The share that was not `unavailable`.", SHARE, Ask(f"1 - ({failed}) / {rate(names.EXCHANGE_DURATION)}"), decimals=2),
        number("Burn, 5 m", BURNS, TIMES, Ask(FAST), limits=BURN, decimals=1),
        number("Burn, 1 h", BURNS, TIMES, Ask(SLOW), limits=BURN, decimals=1),
        number("p99", "From the door to the answer.", SECONDS, Ask(quantile(0.99, names.EXCHANGE_DURATION))),
        number("Oldest unsettled", names.OLDEST_UNSETTLED.says, SECONDS, Ask(told(names.OLDEST_UNSETTLED)), limits=UNSETTLED),
        number("Stuck", names.STUCK.says, COUNT, Ask(total(names.STUCK)), limits=BAD, decimals=0),
        number("Uncertain", names.UNCERTAIN.says, COUNT, Ask(total(names.UNCERTAIN)), limits=BAD, decimals=0),
    ]


def exchanges() -> list[Panel]:
    duration = names.EXCHANGE_DURATION
    shares = [Ask(quantile(share, duration), label) for share, label in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))]
    columns = {"alertname": "alert", "severity": "severity", "connector": "connector", "group": "group", "topic": "topic", "job": "process"}
    return [
        lines("Exchanges by outcome", duration.says, PER_SECOND, Ask(rate(duration, names.BY_OUTCOME), "{{outcome}}"), stacked=True),
        lines("End to end", "From the door to the answer. A dot is one exchange that was traced: it leads there.", SECONDS, *shares),
        lines("p95 by provider", "As above, of each provider.", SECONDS, Ask(quantile(0.95, duration, names.BY_PROVIDER), "{{provider}}")),
        lines("Burn rate", BURNS, TIMES, Ask(FAST, "5 m"), Ask(SLOW, "1 h"), limits=BURN),
        table("Alerts that fire", "Each has a page in docs/runbooks.", COUNT, Ask('ALERTS{alertname=~"Counterfoil.+",alertstate="firing"}'),
              columns=columns, width=24),
    ]  # fmt: skip


def credentials() -> list[Panel]:
    granted = names.LIFETIME_GRANTED
    shares = [Ask(quantile(share, granted, names.BY_PROVIDER), f"{{{{provider}}}} {label}") for share, label in ((0.5, "p50"), (0.95, "p95"))]
    columns = {"provider": "provider", "connector": "connector", "Value": "alive"}
    return [
        lines("Live credentials by provider", names.LIVE.says, COUNT, Ask(total(names.LIVE, names.BY_PROVIDER), "{{provider}}"), stacked=True),
        table("Live credentials by connector", names.LIVE.says, COUNT, Ask(told(names.LIVE, *names.LIVE.labels)), columns=columns),
        lines("Lifetimes", granted.says, SECONDS, *shares),
        lines("When their time is up", names.BY_EXPIRATION.says, COUNT, Ask(total(names.BY_EXPIRATION, names.BY_PHASE), "{{phase}}"), stacked=True),
    ]
