"""Revocation: how fast an end comes about, and what will not end."""

from typing import Any

from counterfoil_server.runtime.telemetry import names
from deploy.boards.board import board
from deploy.boards.now import UNSETTLED
from deploy.boards.panel import BAD, COUNT, PER_SECOND, SECONDS, Ask, Limits, Panel, bars, lines, number, table, words
from deploy.boards.queries import quantile, rate, told, total

PHASES = ("accepted", "ordered", "confirmed", "evicted")
"""As they follow each other; each is counted from the order."""
GOAL: Limits = ((30, "red"),)
NAMED = """\
Which they are, no label says; the ledger does, with the connector, the project and since when:

```sh
./counterfoil credentials --state stuck
./counterfoil credentials --state uncertain
./counterfoil credentials --state revoking
```

What has been said about one of them, from the request on:

```sh
./counterfoil audit show 6f1c7c0e-5d0a-5f0e-9a53-0d3c9c9d8f11
```
"""


def made() -> dict[str, Any]:
    says = "From the order of an end to the provider's word that it is dead, and to the caches of those who held it."
    return board("revocation", "revocation", says, *numbers(), *waterfall(), *open_ones())


def numbers() -> list[Panel]:
    confirmed = {names.BY_PHASE: "confirmed"}
    return [
        number("Confirmed", "Ends that providers confirmed.", PER_SECOND, Ask(rate(names.REVOCATION_DURATION, where=confirmed)), width=4, decimals=2),
        number("p50", "From the order to the provider's word.", SECONDS, Ask(quantile(0.5, names.REVOCATION_DURATION, where=confirmed)), width=4),
        number("p99", "Goal: 30 s.", SECONDS, Ask(quantile(0.99, names.REVOCATION_DURATION, where=confirmed)), width=4, limits=GOAL),
        number("Oldest unsettled", names.OLDEST_UNSETTLED.says, SECONDS, Ask(told(names.OLDEST_UNSETTLED)), width=4, limits=UNSETTLED),
        number("Stuck", names.STUCK.says, COUNT, Ask(total(names.STUCK)), width=4, limits=BAD, decimals=0),
        number("Uncertain", names.UNCERTAIN.says, COUNT, Ask(total(names.UNCERTAIN)), width=4, limits=BAD, decimals=0),
    ]


def waterfall() -> list[Panel]:
    duration = names.REVOCATION_DURATION
    reached = {share: [Ask(quantile(share, duration, where={names.BY_PHASE: phase}), phase) for phase in PHASES] for share in (0.5, 0.99)}
    return [
        bars("Propagation: half of them", duration.says, SECONDS, *reached[0.5]),
        bars("Propagation: all but one in a hundred", duration.says, SECONDS, *reached[0.99], limits=GOAL),
        lines("p99 of each phase", f"{duration.says} A dot is one that was traced: it leads there.", SECONDS,
              Ask(quantile(0.99, duration, names.BY_PHASE), "{{phase}}"), limits=GOAL),
        lines("How many reach each phase", "What is ordered and not confirmed is tried again.", PER_SECOND,
              Ask(rate(duration, names.BY_PHASE), "{{phase}}")),
    ]  # fmt: skip


def open_ones() -> list[Panel]:
    columns = {"provider": "provider", "connector": "connector", "Value": "credentials"}
    stuck, uncertain = (Ask(f"{told(one, *one.labels)} > 0") for one in (names.STUCK, names.UNCERTAIN))
    return [
        lines("Oldest unsettled", names.OLDEST_UNSETTLED.says, SECONDS, Ask(told(names.OLDEST_UNSETTLED), "oldest"), limits=UNSETTLED),
        words("The stuck, by name", NAMED),
        table("Stuck, by connector", names.STUCK.says, COUNT, stuck, columns=columns, limits=BAD),
        table("Uncertain, by connector", names.UNCERTAIN.says, COUNT, uncertain, columns=columns, limits=BAD),
    ]
