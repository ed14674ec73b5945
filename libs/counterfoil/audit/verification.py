"""Verification: an exported log against the log's public key, and against signed heads that were kept elsewhere. Offline, in one pass."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from counterfoil.audit.chain import BadLeaf, Chain
from counterfoil.audit.export_file import Head, Leaf
from counterfoil.audit.witnessing import Witnessing
from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.checkpoint import Checkpoint

REASONS = {
    "malformed_leaf": "is no JSON object",
    "not_canonical": "is not in canonical form (RFC 8785): it was changed",
    "unknown_version": "is of a version that this counterfoil does not know: take a newer one",
    "wrong_seq": "does not say that it is this leaf: one before it was taken out or put in, or it was moved",
}


class Tampered(Exception):
    """What is wrong, and the first index at which it may be. Nothing before `index` is in doubt."""

    def __init__(self, code: str, index: int, message: str) -> None:
        super().__init__(message)
        self.code, self.index, self.message = code, index, message


@dataclass(frozen=True, slots=True)
class Held:
    """A signed head, and where it comes from."""

    size: int
    root: bytes
    where: str


@dataclass(frozen=True, slots=True)
class Verified:
    origin: str
    size: int
    root: bytes
    heads: int
    """How many signed heads it agrees with: its own, and those that were kept elsewhere."""
    witnessed: int = 0
    """Up to how many leaves enough of the witnesses have seen it, where any are wanted."""


class Verification:
    def __init__(self, vkeys: Collection[str], witnessing: Witnessing | None = None) -> None:
        self._vkeys, self._origin = tuple(vkeys), ""
        self._witnessing = witnessing or Witnessing()
        self._chain = Chain()
        self._ahead: dict[int, Held] = {}
        self._good: list[Held] = []
        self._bad: list[Held] = []

    @property
    def size(self) -> int:
        return self._chain.size

    def hold(self, note: str, where: str) -> None:
        """A head that has to be one of this log's. Before the leaves: what is past is not looked at again."""
        head = self._checked(note)
        self._expect(Held(head.size, head.root, where))

    def leaf(self, one: Leaf) -> dict[str, Any]:
        expected = self.size
        if one.index != expected:
            raise _out_of_order(one.index, expected)
        try:
            members = self._chain.add(one.leaf)
        except BadLeaf as bad:
            raise _bad_leaf(bad) from None
        if self.size in self._ahead:
            self._compare(self._ahead.pop(self.size))
        return members

    def head(self, note: str, where: str) -> None:
        """The one that a file ends with."""
        head = self._checked(note)
        if head.size < self.size:
            said = f"{where} signs {head.size} leaves, and more stand here: those from {head.size} on are signed by nobody"
            raise Tampered("unsigned", head.size, said)
        self._expect(Held(head.size, head.root, where))

    def end(self) -> Verified:
        """Raises Tampered unless every head was met and agrees, NotWitnessed unless enough witnesses have cosigned some of them."""
        if self._bad:
            raise self._disagreement()
        if self._ahead:
            missing = min(self._ahead.values(), key=lambda held: held.size)
            said = f"{missing.where} signs {missing.size} leaves, and only {self.size} stand here: it was cut off, or is older than that head"
            raise Tampered("truncated", self.size, said)
        last = max(self._good, key=lambda held: held.size, default=None)
        if last is None or last.size != self.size:
            raise Tampered("unsigned", last.size if last else 0, "there is no checkpoint at its end: it was cut off")
        return Verified(self._origin, self.size, self._chain.root(), len(self._good), self._witnessing.size())

    def _checked(self, note: str) -> Checkpoint:
        head = checkpoints.check(note, self._vkeys, self._origin or None)
        self._witnessing.see(head)
        self._origin = head.origin
        return head

    def _expect(self, held: Held) -> None:
        same = next((one for one in (*self._ahead.values(), *self._good, *self._bad) if one.size == held.size), None)
        if same is not None and same.root != held.root:
            said = f"{same.where} and {held.where} are both signed, both of {held.size} leaves, and differ. {FORK}"
            raise Tampered("fork", self._safe(held.size), said)
        if held.size == self.size:
            self._compare(held)
        else:
            self._ahead[held.size] = held

    def _compare(self, held: Held) -> None:
        (self._good if held.root == self._chain.root() else self._bad).append(held)

    def _safe(self, below: int) -> int:
        return max((held.size for held in self._good if held.size < below), default=0)

    def _disagreement(self) -> Tampered:
        first = min(self._bad, key=lambda held: held.size)
        after = next((held for held in self._good if held.size > first.size), None)
        safe = self._safe(first.size)
        if after is not None:
            return Tampered("fork", safe, f"{first.where} is signed, and {after.where} does not continue it. {FORK}")
        between = f"leaf {safe}" if safe + 1 == first.size else f"a leaf from {safe} to {first.size - 1}"
        return Tampered("wrong_root", safe, f"{between} is not the one that {first.where} signs, and what follows was made to fit")


FORK = "The log showed two histories: keep both, they are the proof"


def verify(
    vkeys: Collection[str],
    files: Iterable[tuple[str, Iterable[Leaf | Head]]],
    held: Iterable[tuple[str, str]] = (),
    witnessing: Witnessing | None = None,
) -> Verified:
    """`files`: exports in their order, each with what to call it; `held`: notes, likewise.

    Raises Tampered, BadExport, BadCheckpoint, BadCosignature, NotWitnessed.
    """
    found = Verification(vkeys, witnessing)
    for where, note in held:
        found.hold(note, where)
    for where, lines in files:
        ended = False
        for one in lines:
            if ended:
                raise Tampered("malformed", found.size, f"{where} goes on after its checkpoint")
            if isinstance(one, Leaf):
                found.leaf(one)
            else:
                found.head(one.checkpoint, f"the checkpoint of {where}")
                ended = True
        if not ended:
            raise Tampered("truncated", found.size, f"{where} has no checkpoint at its end: it was cut off")
    return found.end()


def _out_of_order(index: int, expected: int) -> Tampered:
    if index < expected:
        return Tampered("out_of_order", index, f"leaf {index} comes again, or was moved: {expected} should stand there")
    return Tampered("missing", expected, f"leaf {expected} is missing: {index} stands in its place")


def _bad_leaf(bad: BadLeaf) -> Tampered:
    if bad.code == "wrong_prev":
        at = bad.index
        said = f"leaf {at} does not follow on leaf {at - 1} as it stands here: one of the two was changed" if at else "leaf 0 names a leaf before it"
        return Tampered(bad.code, max(0, at - 1), said)
    return Tampered(bad.code, bad.index, f"leaf {bad.index} {REASONS[bad.code]}")
