"""Query parameters of /v1, read strictly: one that nobody knows is an error, not a filter that silently does nothing."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from starlette.requests import Request

from counterfoil.contracts.revocation_requested import Predicate
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.envelope import fields
from services.gateway.problems import Problem

MOST, USUAL = 1000, 100


def parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem("malformed_request", "a parameter is there more than once")
    if unknown := found.keys() - set(known):
        raise Problem("malformed_request", f"unknown parameter; known are {', '.join(sorted(known))} (given: {len(unknown)} others)")
    if any("\0" in value for value in found.values()):
        raise Problem("malformed_request", "a parameter has a NUL character")
    return {name: value for name, value in found.items() if value}


def whole(found: dict[str, str], name: str, default: int, most: int) -> int:
    text = found.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) > most:
        raise Problem("malformed_request", f"{name} has to be a whole number up to {most}")
    return int(text)


def predicate(given: Any) -> Predicate:
    """Strict, and never empty: what names nothing would name everything."""
    try:
        found = Predicate.model_validate(given)
    except ValidationError as error:
        raise Problem("malformed_request", f"predicate: {fields(error)}") from None
    if not found.model_dump(exclude_none=True):
        raise Problem("malformed_request", "predicate: it has to name something")
    if "\0" in json.dumps(found.model_dump(mode="json"), ensure_ascii=False).replace("\\u0000", "\0"):
        raise Problem("malformed_request", "predicate: a NUL character")
    return found


def uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem("not_found", "there is nothing by that id") from None


def cursor(row: dict[str, Any]) -> str:
    return to_url(json.dumps([row["sent_at"].isoformat(), str(row["credential_id"])]).encode()).decode()


def after(text: str | None) -> tuple[datetime, UUID] | None:
    if text is None:
        return None
    try:
        at, last = json.loads(from_url(text.encode()))
        return datetime.fromisoformat(at), UUID(last)
    except (ValueError, TypeError, AttributeError):
        raise Problem("malformed_request", "after is no cursor of ours") from None
