"""Kept answers: a decision's text with holes where one exchange differs from the next. The same question gets the same text, its holes filled.

A hole takes only what has exactly the form that the contracts' models write; whatever has another form is decided at length.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from counterfoil.contracts.base import NAMESPACE
from counterfoil.wire.canonical import canonical

PREFIX = NAMESPACE.bytes
VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
HOLE = str(uuid5(NAMESPACE_OID, "a hole"))
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(?!000000)\d{6})?Z"
HEX = "[0-9a-f]{64}"
ASKED = re.compile(
    rf"{MOMENT}\|[A-Za-z0-9._-]{{1,64}}\|(?:0|[1-9]\d{{0,3}})\|{HEX}\|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\|[A-Za-z0-9_-]*"
)
FORMED = [re.compile(rf"{MOMENT}(?:\|{HEX}){{{count}}}") for count in range(8)]


def holds(follows: Callable[..., bool], *given: Any) -> bool:
    """What has not even the members that an answer is filled with does not follow from it."""
    try:
        return follows(*given)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def cut(members: Mapping[str, Any], holes: Sequence[tuple[str, ...]], spelled: Callable[[Any], str]) -> tuple[str, ...] | None:
    """The text around these members, which are named in its order. None: the sentinel itself stands in it."""
    found = dict(members)
    for hole in holes:
        inner = found
        for name in hole[:-1]:
            inner[name] = inner = dict(inner[name])
        inner[hole[-1]] = HOLE
    pieces = spelled(found).split(f'"{HOLE}"')
    return tuple(pieces) if len(pieces) == len(holes) + 1 else None


def in_order(members: Any) -> str:
    """As `encode` has them, in the order of the model."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def sorted_(members: Any) -> str:
    return canonical(members, exact=True).decode()


def id_text(stage: str, request_hash: str) -> str:
    """`str(named(stage, request_hash))`, at a third of the time: it is needed once for each decision."""
    made = sha1(PREFIX + f"{stage}\x1f{request_hash}".encode()).hexdigest()  # noqa: S324 - RFC 9562 says so
    return f"{made[:8]}-{made[8:12]}-5{made[13:16]}-{VARIANT[made[16]]}{made[17:20]}-{made[20:32]}"


def filled(pieces: Sequence[str], values: Sequence[str]) -> str:
    text = [*pieces, *values]
    text[::2], text[1::2] = pieces, values
    return "".join(text)


def asked_text(asked: Mapping[str, Any], connector: str, wish_hash: str) -> str | None:
    """In canonical spelling. `connector`: `"connector":"...",` or nothing; `wish_hash` likewise, behind a comma. None: not as our models write it."""
    try:
        deadline, reply, key = asked["deadline"], asked["reply_to"], asked["requester_key"]
        instance, partition, request_hash, request_id = reply["instance"], reply["partition"], asked["request_hash"], asked["request_id"]
        if ASKED.fullmatch(f"{deadline}|{instance}|{partition}|{request_hash}|{request_id}|{key}") is None:
            return None
    except (KeyError, TypeError):
        return None
    return (
        f'{{{connector}"deadline":"{deadline}","reply_to":{{"instance":"{instance}","partition":{partition}}},'
        f'"request_hash":"{request_hash}","request_id":"{request_id}","requester_key":"{key}"{wish_hash}}}'
    )


def formed(at: str, *hashes: str) -> bool:
    return FORMED[len(hashes)].fullmatch("|".join((at, *hashes))) is not None
