"""Lifetimes as people type them, and as they read them again."""

import re

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
SPELLING = re.compile(r"(?:[0-9]{1,9}[smhd])+|[0-9]{1,9}")
PART = re.compile(r"(\d+)([smhd]?)")


class BadSpan(ValueError):
    fix = "give seconds, or a span like 30s, 15m, 1h30m"


def seconds(text: str) -> int:
    """Raises BadSpan."""
    bare = text.replace(" ", "")
    if not SPELLING.fullmatch(bare):
        raise BadSpan("that is no lifetime")
    return sum(int(number) * UNITS[unit or "s"] for number, unit in PART.findall(bare))


def spelled(number: int) -> str:
    """As it may be typed again: 900 is 15m."""
    parts, left = [], number
    for unit, size in UNITS.items():
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
