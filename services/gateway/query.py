"""Query parameters of /v1, read strictly: one that nobody knows is an error, not a filter that silently does nothing."""

import json
import re
from collections.abc import Collection
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from starlette.requests import Request

from counterfoil.contracts.revocation_requested import Predicate
from counterfoil.wire.envelope import fields
from services.gateway.problems import Problem

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
YEARS = range(1970, 9000)
"""PostgreSQL's driver has no words for what lies at the edges of Python's."""


def parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem("malformed_request", "a parameter is there more than once")
    if unknown := found.keys() - set(known):
        raise Problem("malformed_request", f"unknown parameter; known are {', '.join(sorted(known))} (given: {len(unknown)} others)")
    if any("\0" in value for value in found.values()):
        raise Problem("malformed_request", "a parameter has a NUL character")
    if not all(found.values()):
        raise Problem("malformed_request", "a parameter has no value: leave it out")
    return found


def whole(found: dict[str, str], name: str, default: int, most: int) -> int:
    text = found.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) > most:
        raise Problem("malformed_request", f"{name} has to be a whole number up to {most}")
    return int(text)


def needed(found: dict[str, str], name: str, most: int) -> int:
    if name not in found:
        raise Problem("malformed_request", f"{name} is missing")
    return whole(found, name, 0, most)


def identifier(found: dict[str, str], name: str) -> UUID:
    """A UUID in the form that RFC 9562 gives it, in either case."""
    text = found[name]
    try:
        one = UUID(text)
    except ValueError:
        one = None
    if one is None or str(one) != text.lower():
        raise Problem("malformed_request", f"{name} has to be a UUID")
    return one


def predicate(given: Any) -> Predicate:
    """Strict, and never empty: what names nothing would name everything."""
    if isinstance(given, dict) and any(isinstance(at := given.get(name), str) and not RFC_3339.match(at) for name in ("since", "until")):
        raise Problem("malformed_request", "predicate: since and until are times, like 2026-11-24T12:00:00Z")
    try:
        found = Predicate.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        raise Problem("malformed_request", f"predicate: {fields(error)}") from None
    if not found.model_dump(exclude_none=True):
        raise Problem("malformed_request", "predicate: it has to name something")
    if any(at is not None and at.year not in YEARS for at in (found.since, found.until)):
        raise Problem("malformed_request", "predicate: a time far outside of any use")
    return found


def uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem("not_found", "there is nothing by that id") from None


def flag(found: dict[str, str], name: str) -> bool:
    text = found.get(name, "false")
    if text not in ("true", "false"):
        raise Problem("malformed_request", f"{name} has to be true or false")
    return text == "true"
