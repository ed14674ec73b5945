"""The tally of a day -> what the first page shows of it. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.console.tally.counting import ENDED

HOURS = 24
HEIGHT = 60


@dataclass(frozen=True)
class Bar:
    """One hour. `parts`: outcome, count, top and height of its piece in the drawing."""

    hour: datetime
    total: int
    parts: Sequence[tuple[str, int, float, float]]


@dataclass(frozen=True)
class Day:
    totals: Mapping[str, int]
    bars: Sequence[Bar]
    reasons: Sequence[tuple[str, str, int]]
    """Of the noes: outcome, code, how many; the most frequent first."""

    @property
    def exchanges(self) -> int:
        return sum(self.totals.get(outcome, 0) for outcome in ENDED)

    @property
    def granted(self) -> float | None:
        """Per cent of all exchanges."""
        return 100 * self.totals.get("granted", 0) / self.exchanges if self.exchanges else None


def day(rows: Iterable[Any], now: datetime) -> Day:
    """`rows`: hour, connector, outcome, code, count."""
    last = now.replace(minute=0, second=0, microsecond=0)
    hours = {last - timedelta(hours=back): Counter[str]() for back in reversed(range(HOURS))}
    totals: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if (of_hour := hours.get(row["hour"])) is None:
            continue
        of_hour[row["outcome"]] += row["count"]
        totals[row["outcome"]] += row["count"]
        if row["outcome"] in ENDED and row["outcome"] != "granted":
            reasons[row["outcome"], row["code"]] += row["count"]
    highest = max((sum(one[outcome] for outcome in ENDED) for one in hours.values()), default=0)
    bars = [bar(hour, counts, highest) for hour, counts in hours.items()]
    return Day(totals, bars, [(outcome, code, count) for (outcome, code), count in reasons.most_common(6)])


def bar(hour: datetime, counts: Mapping[str, int], highest: int) -> Bar:
    total = sum(counts[outcome] for outcome in ENDED)
    parts, top = [], float(HEIGHT)
    for outcome in ENDED:
        tall = HEIGHT * counts[outcome] / highest if highest else 0.0
        top -= tall
        if counts[outcome]:
            parts.append((outcome, counts[outcome], round(top, 2), round(tall, 2)))
    return Bar(hour, total, parts)
