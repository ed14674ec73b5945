"""Recorded traffic through a candidate: each identity, and what was decided about it, as their leaves hold them. Pure, save for reading."""

from collections.abc import AsyncIterator
from typing import Any

from services.ops.replay.backtest_kept import Decider
from services.ops.replay.backtest_outcome import recorded
from services.ops.replay.backtest_pairs import Pairs
from services.ops.replay.backtest_report import ASIDE, Report

Leaf = tuple[int, dict[str, Any]]
DECIDED = ("grant.approved", "grant.denied")


async def backtested(leaves: AsyncIterator[Leaf], decider: Decider, most: int) -> Report:
    """What was decided first counts: a message that came twice was acted on once."""
    report, pairs = Report(most), Pairs[dict[str, Any], Leaf]()
    async for index, leaf in leaves:
        fact, pair = leaf["fact"], None
        if fact["kind"] == "identity.verified":
            pair = pairs.asked(fact["asked"]["request_hash"], fact)
        elif fact["kind"] in DECIDED:
            pair = pairs.answered(fact["asked"]["request_hash"], (index, fact))
        if pair is not None:
            weigh(report, decider, *pair)
    report.unpaired = len(pairs.unanswered()) + len(pairs.unasked())
    return report


def weigh(report: Report, decider: Decider, who: dict[str, Any], decision: Leaf) -> None:
    index, fact = decision
    if fact.get("code") in ASIDE:
        report.aside[fact["code"]] += 1
        return
    report.add(index, who, fact, recorded(fact), decider.decide(who, fact["grounds"]["registry_revision"], fact["at"]))
