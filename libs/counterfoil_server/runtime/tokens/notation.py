"""base64url and JSON with one reading only: what two parsers could read differently is refused (RFC 7515 section 2, RFC 8259)."""

import binascii
import json
import math
import re
from collections.abc import Iterator

DEPTH = 16
# A string without an end matches too: tried again at each of its quotes, it would cost the square of the length.
STRINGS = re.compile(r'"(?:[^"\\]+|\\.?)*"?', re.DOTALL)
# To the alphabet that binascii reads; what is not of base64url becomes what it refuses.
TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
PADDING = (b"", b"!", b"==", b"=")
# Characters that a canonical text may end with: the bits beyond the last octet are zero (RFC 4648 section 3.5).
ENDS = (frozenset(range(256)), frozenset[int](), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"))


def base64url(text: bytes) -> bytes:
    """Without padding, and canonical: encoding again gives the same text. ValueError if not."""
    beyond = len(text) % 4
    value = binascii.a2b_base64(text.translate(TO_STANDARD) + PADDING[beyond], strict_mode=True)
    if text and text[-1] not in ENDS[beyond]:
        raise ValueError("not canonical base64url")
    return value


def json_object(raw: bytes) -> dict[str, object]:
    """UTF-8 without BOM, an object, no member twice, only finite numbers, no lone surrogate or NUL, bounded depth. ValueError if not."""
    if raw.count(b"{") + raw.count(b"[") > DEPTH and nesting(raw.decode()) > DEPTH:
        raise ValueError("nested too deep")
    value = READER.decode(raw.decode())
    if not isinstance(value, dict):
        raise TypeError("not an object")
    if b"\\u" in raw:
        for text in strings(value):
            text.encode()
            if "\0" in text:  # PostgreSQL cannot hold it, and C code would stop reading there
                raise ValueError("a NUL character")
    return value


def nesting(text: str) -> int:
    """How deep the brackets go, without recursion: deep JSON must not reach a recursive parser."""
    deepest = depth = 0
    for character in STRINGS.sub("", text):
        if character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for member in value.values():
            yield from strings(member)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def unique(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member twice")
    return found


def finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


READER = json.JSONDecoder(object_pairs_hook=unique, parse_float=finite, parse_constant=finite)
