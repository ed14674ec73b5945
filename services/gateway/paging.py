"""Pages: `?limit=` and `?cursor=`, and `next` in the answer, null on the last one. A cursor says where the page before ended."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from counterfoil.wire.armor import from_url, to_url
from services.gateway.problems import Problem
from services.gateway.query import YEARS, whole

MOST, USUAL = 1000, 100
QUERY = ("limit", "cursor")


def limit(found: dict[str, str], usual: int = USUAL) -> int:
    return whole(found, "limit", usual, MOST) or 1


def cursor(*parts: str | int | datetime) -> str:
    text = json.dumps([part.isoformat() if isinstance(part, datetime) else part for part in parts])
    return to_url(text.encode()).decode()


def resumed(found: Mapping[str, str], *kinds: Callable[[Any], Any]) -> tuple[Any, ...]:
    """A part of each kind; nothing where there is no cursor."""
    text = found.get("cursor")
    if text is None:
        return ()
    try:
        parts = json.loads(from_url(text.encode()))
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise Problem("malformed_request", "cursor is none of ours", fix="Leave it out for the first page, then give `next` as it came.") from None


def name(given: object) -> str:
    if not isinstance(given, str) or "\0" in given or not given.isprintable():
        raise ValueError
    return given


def number(given: object) -> int:
    if type(given) is not int or not -1 <= given < 2**53:
        raise ValueError
    return given


def moment(given: object) -> datetime:
    found = datetime.fromisoformat(str(given))
    if found.tzinfo is None or found.year not in YEARS:
        raise ValueError
    return found
