"""Recorded traffic through a candidate: each identity, and what was decided about it, as their leaves hold them. Pure, save for reading."""

from collections.abc import AsyncIterator
from typing import Any

from counterfoil_server.replay.backtest_kept import Decider
from counterfoil_server.replay.backtest_outcome import recorded
from counterfoil_server.replay.backtest_pairs import Pairs
from counterfoil_server.replay.backtest_report import ASIDE, Report

Leaf = tuple[int, dict[str, Any]]
Paired = Pairs[dict[str, Any], Leaf]
DECIDED = ("grant.approved", "grant.denied")


async def backtested(leaves: AsyncIterator[Leaf], decider: Decider, most: int) -> Report:
    """What was decided first counts: a message that came twice was acted on once."""
    report, pairs = Report(most), Paired()
    async for index, leaf in leaves:
        take(report, pairs, decider, index, leaf["fact"])
    report.unpaired = len(pairs.unanswered()) + len(pairs.unasked())
    return report


def take(report: Report, pairs: Paired, decider: Decider, index: int, fact: dict[str, Any]) -> None:
    pair = None
    if fact["kind"] == "identity.verified":
        pair = pairs.asked(fact["asked"]["request_hash"], fact)
    elif fact["kind"] in DECIDED:
        pair = pairs.answered(fact["asked"]["request_hash"], (index, fact))
    if pair is not None:
        weigh(report, decider, *pair)


def weigh(report: Report, decider: Decider, who: dict[str, Any], decision: Leaf) -> None:
    index, fact = decision
    if fact.get("code") in ASIDE:
        report.aside[fact["code"]] += 1
        return
    report.add(index, who, fact, recorded(fact), decider.decide(who, fact["grounds"]["registry_revision"], fact["at"]))
