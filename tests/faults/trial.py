"""One trial: load, an operator, faults at the provider and deaths at once; then rest, and what the history violates."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from services.dev.trouble import Say
from tests.faults.checker import check
from tests.faults.clients import Clients
from tests.faults.habits import USUAL, Habits
from tests.faults.killing import Killing
from tests.faults.operator import Operator
from tests.faults.reading import PATIENCE, at_rest, history
from tests.faults.stand import CUT, HELD, STOPPED, Stand

FAULTS: Sequence[dict[str, Any]] = (
    {"op": "mint", "fault": "slow", "share": 0.6, "seconds": 0.8, "connector": STOPPED},
    *({"op": "mint", "fault": "slow", "share": 0.2, "seconds": 0.8, "connector": connector} for connector in (HELD, CUT)),
    {"op": "mint", "fault": "429", "share": 0.03},
    {"op": "mint", "fault": "500", "share": 0.03},
    {"op": "mint", "fault": "hang", "share": 0.03, "seconds": 4},
    {"op": "mint", "fault": "slow", "share": 0.05, "seconds": 0.5},
    {"op": "mint", "fault": "trickle", "share": 0.03, "seconds": 0.8},
    {"op": "mint", "fault": "trickle", "share": 0.02, "seconds": 5},
    {"op": "mint", "fault": "drop", "share": 0.05},
    {"op": "mint", "fault": "late", "share": 0.05, "seconds": 1.9},
    {"op": "mint", "fault": "late", "share": 0.03, "seconds": 6},
    {"op": "mint", "fault": "twice", "share": 0.05, "connector": "fault"},
    {"op": "mint", "fault": "twice", "share": 0.05, "connector": "cut"},
    {"op": "revoke", "fault": "429", "share": 0.03},
    {"op": "revoke", "fault": "500", "share": 0.05},
    {"op": "revoke", "fault": "hang", "share": 0.03, "seconds": 4},
    {"op": "revoke", "fault": "slow", "share": 0.03, "seconds": 0.5},
    {"op": "revoke", "fault": "trickle", "share": 0.03, "seconds": 5},
    {"op": "revoke", "fault": "drop", "share": 0.05},
    {"op": "revoke", "fault": "fails", "share": 0.05, "times": 3},
    {"op": "revoke", "fault": "lies", "share": 0.05},
)
"""Where only the token can end what was minted, nobody could ever know of a second one: there the provider does nothing twice."""


@dataclass
class Outcome:
    """`deaths` and `missed` by point, `met` by fault, `ends` by how asks ended, `violations` by invariant."""

    deaths: Mapping[str, int] = field(default_factory=dict)
    missed: Mapping[str, int] = field(default_factory=dict)
    met: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    violations: Mapping[str, list[str]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return asdict(self)


async def trial(stand: Stand, points: Sequence[str], at_random: int, say: Say, *, seed: int = 1, rate: float = 8.0,
                faults: Sequence[dict[str, Any]] = FAULTS, habits: Habits = USUAL, patience: float = PATIENCE, hurry: bool = False,
                thorough: bool = True) -> Outcome:  # fmt: skip
    known = (await stand.town.http.get(f"{stand.town.plan.url}/.well-known/counterfoil")).raise_for_status().json()
    clients, operator, killing = Clients(stand, known, seed, habits), Operator(stand, habits.stopped), Killing(stand, seed)
    operator.hurries = lambda: hurry or killing.wants_stops
    await stand.plan(*faults, seed=seed)
    load, stopping = asyncio.create_task(clients.run(rate)), asyncio.create_task(operator.run())
    telling = asyncio.create_task(told(killing, clients, len(points) + at_random, say))
    try:
        await killing.all(points, at_random)
    finally:
        for task in (telling, load, stopping):
            task.cancel()
            with suppress(asyncio.CancelledError, TimeoutError, httpx.HTTPError):
                await task
    met = await stand.met()
    say(f"at rest after {await at_rest(stand, patience, thorough=thorough):.0f} s")
    seen = await history(stand, clients, operator)
    counts = {"asks": len(seen.asks), "minted at the provider": len(seen.lives), "revocations": len(seen.endings), "stops": len(seen.stops),
              "stops said to be revoked": sum(stop.revoked_at is not None for stop in seen.stops),
              "uncertain at rest": sum(row.state == "uncertain" for row in seen.rows)}  # fmt: skip
    ends = Counter(f"{ask.ended} {ask.code}".strip() for ask in seen.asks)
    return Outcome(dict(killing.done), dict(+killing.missed), met, dict(ends), counts, check(seen))


async def told(killing: Killing, clients: Clients, wanted: int, say: Say) -> None:
    while True:
        await asyncio.sleep(15)
        say(f"{killing.done.total()} of {wanted} deaths, {killing.missed.total()} points missed, {len(clients.asks)} asks")
