"""JSON in one spelling out (RFC 8785), and in strictly (RFC 8259 without its freedoms)."""

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

import rfc8785

JSON = dict[str, Any] | list[Any] | str | int | float | bool | None
DEEPEST = 32
MOST = 2**53 - 1
BOM = b"\xef\xbb\xbf"


class NotCanonical(ValueError):
    """This value has no canonical form that every reader would read alike."""


class NotJson(ValueError):
    """These bytes are not the JSON we take. The reason is short and never quotes them."""


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: JSON, *, exact: bool = False) -> bytes:
    """RFC 8785. Floats are refused: readers differ on them, and nothing of ours needs one. `exact`: `strict_json` has refused them already."""
    try:
        if not exact:
            _vet(value)
        text = SORTED.encode(value)
        # In pure ASCII the two agree byte for byte, at a fifth of the cost; beyond it keys sort by UTF-16, which only the library does.
        return text.encode() if text.isascii() else rfc8785.dumps(value)
    except NotCanonical:
        raise
    except (rfc8785.CanonicalizationError, UnicodeError):
        reason = "lone surrogate"
    except RecursionError:
        reason = "too deep"
    # Raised outside the handler: the library's errors quote the value.
    raise NotCanonical(reason)


def strict_json(data: bytes, *, exact: bool = False, deepest: int = DEEPEST) -> JSON:
    """UTF-8, no BOM, no member twice, no NaN or Infinity, no lone surrogate, no deeper. `exact`: NotCanonical for numbers without that form."""
    if data.startswith(BOM):
        raise NotJson("byte order mark")
    try:
        text = data.decode()
        value: JSON = (EXACT if exact else STRICT).decode(text)
        if b"\\u" in data:  # a lone surrogate can only come by an escape: the decoder above takes none
            json.dumps(value, ensure_ascii=False).encode()
    except (NotJson, NotCanonical):
        raise
    except UnicodeDecodeError:
        reason = "not UTF-8"
    except UnicodeEncodeError:
        reason = "lone surrogate"
    except RecursionError:
        reason = "too deep"
    except ValueError:
        reason = "not JSON"
    else:
        if data.count(b"[") + data.count(b"{") > deepest and deeper(value, deepest):  # fewer cannot be that deep
            raise NotJson("too deep")
        return value
    # Raised outside the handler: the decoder's errors hold the whole document.
    raise NotJson(reason)


def _vet(value: object) -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str):
                raise NotCanonical("member name is no string")
            if type(member) is not str:  # most are: this line is what makes the walk cheap
                _vet(member)
    elif isinstance(value, list | tuple):
        for item in value:
            if type(item) is not str:
                _vet(item)
    else:
        _vet_scalar(value)


def _vet_scalar(value: object) -> None:
    if isinstance(value, int):
        _exact_integer(value)
    elif isinstance(value, float):
        raise NotCanonical("float")
    elif value is not None and not isinstance(value, str):
        raise NotCanonical("no JSON type")


def _exact_integer(text: str | int) -> int:
    number = int(text)
    if not -MOST <= number <= MOST:
        raise NotCanonical("integer beyond 2^53-1")
    return number


def _no_float(_text: str) -> NoReturn:
    raise NotCanonical("float")


def deeper(value: object, than: int) -> bool:
    """Whether arrays and objects stand in each other more than `than` times. Without recursion."""
    layer = _containers([value])
    for _ in range(than):
        layer = [inner for outer in layer for inner in _containers(outer.values() if isinstance(outer, dict) else outer)]
    return bool(layer)


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, dict | list)]


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJson("duplicate member")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):  # 1e999
        raise NotJson("number out of range")
    return number


def _no_constant(_name: str) -> NoReturn:
    raise NotJson("NaN or Infinity")


STRICT = json.JSONDecoder(object_pairs_hook=_members, parse_float=_finite, parse_constant=_no_constant)
EXACT = json.JSONDecoder(object_pairs_hook=_members, parse_float=_no_float, parse_int=_exact_integer, parse_constant=_no_constant)
SORTED = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
