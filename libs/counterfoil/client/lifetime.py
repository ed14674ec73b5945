"""Lifetimes as people write them: 300, "300", "5m", "1h30m", a timedelta."""

import re
from datetime import timedelta

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SPELLING = re.compile(r"(?:\d+[smhd])+|\d+")
PART = re.compile(r"(\d+)([smhd]?)")

Lifetime = int | str | timedelta


def seconds(lifetime: Lifetime) -> int:
    if isinstance(lifetime, timedelta):
        return int(lifetime.total_seconds())
    if isinstance(lifetime, int):
        return lifetime
    if not SPELLING.fullmatch(lifetime):
        raise ValueError("a lifetime is a number of seconds, or like 30s, 5m, 1h30m, 2d")
    return sum(int(number) * UNITS[unit or "s"] for number, unit in PART.findall(lifetime))
