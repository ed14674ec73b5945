"""The bytes that were sent, of which a leaf has the hash: of a denial they follow from the decision, since nothing of it is sealed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import NAMESPACE_OID, uuid5

from counterfoil.contracts.base import Asked
from counterfoil.wire.canonical import digest
from services.ops.replay.verify_text import Grant
from services.ops.replay.verify_who import Who

HOLE = str(uuid5(NAMESPACE_OID, "a hole"))
HOLES = (("id",), ("at",), ("asked",), ("caused_by",), ("grounds", "registry_revision"))
"""In the order of the model."""


@dataclass(frozen=True, slots=True)
class Sent:
    """`pieces`: what stands around that which is one exchange's own. None: an approval, whose evidence is in no leaf."""

    pieces: tuple[str, ...] | None

    @classmethod
    def of(cls, members: Mapping[str, Any] | None) -> Self | None:
        """None: the sentinel itself stands in it."""
        if members is None:
            return cls(None)
        pieces = cut(members, HOLES)
        return None if len(pieces) != len(HOLES) + 1 else cls(pieces)

    def same(self, recorded: Grant, who: Who) -> bool:
        if self.pieces is None:
            return recorded.approved
        if recorded.approved or who.cut is None:
            return False
        values = (f'"{recorded.id}"', f'"{recorded.at}"', sent(json.loads(who.cut.asked)), f'"{who.id}"', recorded.revision.decode())
        return digest(filled(self.pieces, values).encode()) == recorded.sha256


def cut(members: Mapping[str, Any], holes: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    found = dict(members)
    for hole in holes:
        inner = found
        for name in hole[:-1]:
            inner[name] = inner = dict(inner[name])
        inner[hole[-1]] = HOLE
    return tuple(in_order(found).split(f'"{HOLE}"'))


def filled(pieces: Sequence[str], values: Sequence[str]) -> str:
    text = [*pieces, *values]
    text[::2], text[1::2] = pieces, values
    return "".join(text)


def sent(asked: Mapping[str, Any]) -> str:
    """As it is sent, in the order of the model."""
    reply = asked["reply_to"]
    inner = {"partition": reply["partition"], "instance": reply["instance"]}
    return in_order({name: inner if name == "reply_to" else asked[name] for name in Asked.model_fields if name in asked})


def in_order(members: Any) -> str:
    """As `encode` has them."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))
