"""What is asked of a witness: an old size, a consistency proof and a checkpoint, as the lines of one body.

https://c2sp.org/tlog-witness
"""

from dataclasses import dataclass
from typing import Self

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.armor import decimal, from_b64
from counterfoil.wire.broken import Broken
from counterfoil.wire.checkpoint import Checkpoint
from counterfoil.wire.merkle import HASH

MOST_STEPS = 63
OLD = "old "
LARGEST = 4 * checkpoints.LONGEST + 4096
"""Bytes: a checkpoint's letters may have four each, and sixty-three steps have less than three thousand."""


class Malformed(Broken):
    """malformed_request: nobody can say what was asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`note`: the checkpoint as it came, with signatures of whomever."""

    old: int
    path: tuple[bytes, ...]
    head: Checkpoint
    note: str

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Shape only. Raises Malformed."""
        try:
            opening, _, note = body.decode().partition("\n\n")
            first, *steps = opening.split("\n")
            path = tuple(from_b64(step) for step in steps)
            old, head = decimal(first.removeprefix(OLD)), checkpoints.parse(note)
        except ValueError:
            raise Malformed("malformed_request") from None
        if not first.startswith(OLD) or len(path) > MOST_STEPS or any(len(step) != HASH for step in path):
            raise Malformed("malformed_request")
        return cls(old, path, head, note)
