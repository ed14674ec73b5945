"""Gaps: every break in a log as it is served. It goes on after one, to list them all."""

from collections.abc import Collection
from dataclasses import dataclass

from counterfoil.audit.chain import NONE_BEFORE, BadLeaf, Chain, followed
from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.checkpoint import BadCheckpoint, Checkpoint
from counterfoil.wire.merkle import leaf_hash

MOST = 1000
"""Breaks that are listed: a log that is no log at all shall not fill the memory."""
MESSAGES = {
    "malformed_leaf": "is no JSON object",
    "not_canonical": "is not in canonical form",
    "unknown_version": "is of a version that this counterfoil does not know",
    "wrong_seq": "says that it is another leaf",
    "wrong_prev": "does not follow on the one before it",
}


@dataclass(frozen=True, slots=True)
class Gap:
    index: int
    code: str
    message: str


class Gaps:
    def __init__(self, vkeys: Collection[str], size: int, newest: str, before: Collection[str]) -> None:
        """`before`: heads that were seen earlier."""
        self._vkeys, self._size = vkeys, size
        self._chain, self._next, self._whole = Chain(), 0, True
        self._last: bytes | None = NONE_BEFORE
        self._found: list[Gap] = []
        self._heads: dict[int, list[Checkpoint]] = {}
        for note in (*before, newest):
            self._head(note)

    def leaf(self, index: int, leaf: bytes) -> None:
        if index != self._next:
            self._skipped(index)
        try:
            followed(leaf, index, self._last)
        except BadLeaf as bad:
            self._add(index, bad.code, f"leaf {index} {MESSAGES[bad.code]}")
        self._last = leaf_hash(leaf)
        if self._whole:
            self._chain.force(leaf)
        self._next = index + 1
        self._met()

    def end(self) -> list[Gap]:
        if self._next < self._size:
            self._add(self._next, "missing", f"leaves {self._next} to {self._size - 1} are not served")
        for size in sorted(size for size in self._heads if size > self._size):
            self._add(self._size, "truncated", f"a head of {size} leaves was seen before: the log was cut back to {self._size}")
        return self._found

    def _skipped(self, index: int) -> None:
        if index > self._next:
            upto = f"leaves {self._next} to {index - 1} are" if index > self._next + 1 else f"leaf {self._next} is"
            self._add(self._next, "missing", f"{upto} not served")
        else:
            self._add(index, "out_of_order", f"leaf {index} comes where {self._next} should stand")
        self._last, self._whole = None, False

    def _head(self, note: str) -> None:
        try:
            head = checkpoints.check(note, self._vkeys)
        except BadCheckpoint as bad:
            self._add(0, bad.code, "a head is not signed by the log's key")
            return
        self._heads.setdefault(head.size, []).append(head)

    def _met(self) -> None:
        """Heads are compared as long as nothing is missing before them; a root over a log with holes says nothing."""
        heads = self._heads.get(self._next, ()) if self._whole else ()
        root = self._chain.root() if heads else b""
        for head in heads:
            if head.root != root:
                self._add(self._next - 1, "wrong_root", f"the signed head of {head.size} leaves is not that of the leaves as they are served")

    def _add(self, index: int, code: str, message: str) -> None:
        if len(self._found) < MOST:
            self._found.append(Gap(index, code, message))
