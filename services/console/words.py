"""How times, spans of time and names are written for people."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
SHORT = 12


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine(at: datetime) -> str:
    """For `<time datetime>`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def span(seconds: float) -> str:
    """The two largest units: 2 h 5 min; below a second in milliseconds."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    left, parts = round(seconds), []
    for unit, size in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def short(text: object) -> str:
    """An id, as far as people compare it."""
    whole = str(text)
    return whole if len(whole) <= SHORT else f"{whole[:SHORT]}…"


def counted(number: int) -> str:
    return f"{number:,}"


FILTERS: Mapping[str, Callable[..., Any]] = {"moment": moment, "machine": machine, "span": span, "short": short, "counted": counted}
