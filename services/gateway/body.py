"""Bodies: read up to a limit and within a time; forms and JSON, each with one reading only."""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from counterfoil.wire.canonical import NotJson, strict_json
from services.gateway.problems import Problem

LARGEST_FORM = 64 * 1024
LARGEST_JSON = 1024 * 1024
DEEPEST = 20
"""What is put into the registry stands in a leaf, which is read up to 32 deep."""
PATIENCE = 10.0
MOST_FIELDS = 64
PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


async def read(request: Request, most: int, patience: float = PATIENCE) -> bytes:
    """Nothing beyond `most` is ever kept. A length that is announced is believed only where it is too much."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:18]) > most:
        raise Problem("body_too_large", f"a body has at most {most} bytes here")
    found = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for part in request.stream():
                found += part
                if len(found) > most:
                    raise Problem("body_too_large", f"a body has at most {most} bytes here")
    except TimeoutError:
        raise Problem("slow_body", f"a body has to arrive within {patience:g} s") from None
    return bytes(found)


async def form(request: Request) -> dict[str, str]:
    """RFC 6749 section 3.2: a parameter twice is refused, one without a value counts as absent."""
    media_type(request, "application/x-www-form-urlencoded")
    raw = await read(request, LARGEST_FORM)
    try:
        pairs = parsed(raw.decode("ascii"))
    except ValueError:
        raise Problem("malformed_request", "the body is no application/x-www-form-urlencoded text") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Problem("malformed_request", "a parameter is there more than once")
    if any("\0" in part for pair in pairs for part in pair):
        raise Problem("malformed_request", "a parameter has a NUL character")
    return {name: value for name, value in fields.items() if value}


def parsed(text: str) -> list[tuple[str, str]]:
    """ValueError for what parsers would read differently, a stray percent sign among it."""
    if PERCENT.search(text):
        raise ValueError("a stray percent sign")
    return parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=MOST_FIELDS)


async def json_object(request: Request) -> dict[str, Any]:
    media_type(request, "application/json")
    try:
        found = strict_json(await read(request, LARGEST_JSON), deepest=DEEPEST)
    except NotJson as error:
        raise Problem("malformed_request", f"the body is no JSON that is taken here: {error}") from None
    if not isinstance(found, dict):
        raise Problem("malformed_request", "the body is no JSON object")
    if holds_nul(found):
        raise Problem("malformed_request", "the body has a NUL character in a text")
    return found


def holds_nul(found: Any) -> bool:
    """No text of the database can hold one."""
    if isinstance(found, dict):
        return any("\0" in name or holds_nul(one) for name, one in found.items())
    return any(holds_nul(one) for one in found) if isinstance(found, list) else isinstance(found, str) and "\0" in found


def media_type(request: Request, wanted: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        raise Problem("unsupported_media_type", f"the body has to be {wanted}")
