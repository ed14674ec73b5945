"""Receipts: the proof that a leaf is in the log, as a C2SP tlog-proof, and its check against the log keys that a client pinned.

https://c2sp.org/tlog-proof
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.armor import decimal, from_b64, to_b64
from counterfoil.wire.broken import Broken
from counterfoil.wire.canonical import NotJson, strict_json
from counterfoil.wire.checkpoint import BadCheckpoint, Checkpoint
from counterfoil.wire.lru import Lru
from counterfoil.wire.merkle import HASH, BadPath, leaf_hash, root_from_path

FIRST_LINE = "c2sp.org/tlog-proof@v1"
LONGEST = 1 << 18
LONGEST_PATH = 63


class BadReceipt(Broken):
    """malformed_proof, not_included, malformed_leaf, or what is wrong with its checkpoint."""


@dataclass(frozen=True, slots=True)
class Proof:
    index: int
    path: list[bytes]
    checkpoint: str
    extra: bytes | None = None


class ReceiptChecker:
    """For one log, or several under rotation. Remembers good heads: all answers of a batch come with the same one."""

    def __init__(self, vkeys: Collection[str], origin: str | None = None, cache: int = 256) -> None:
        self._vkeys = tuple(vkeys)
        self._origin = origin
        self._good: Lru[str, Checkpoint] = Lru(cache)

    def check(self, leaf: bytes, proof: str) -> dict[str, Any]:
        """The parsed leaf, once its hash leads to a head that the log signed."""
        self.included(leaf_hash(leaf), proof)
        return _members(leaf)

    def included(self, hashed: bytes, proof: str) -> int:
        """The index of a leaf of which only the hash is known, once it leads to a head that the log signed."""
        read = read_proof(proof)
        head = self._head(read.checkpoint)
        try:
            root = root_from_path(read.index, head.size, hashed, read.path)
        except BadPath:
            raise BadReceipt("malformed_proof") from None
        if root != head.root:
            raise BadReceipt("not_included")
        return read.index

    def _head(self, note: str) -> Checkpoint:
        head = self._good.get(note)
        if head is None:
            try:
                head = checkpoints.check(note, self._vkeys, self._origin)
            except BadCheckpoint as bad:
                raise BadReceipt(bad.code) from None
            self._good.put(note, head)
        return head


def check(leaf: bytes, proof: str, vkeys: Collection[str], origin: str | None = None) -> dict[str, Any]:
    return ReceiptChecker(vkeys, origin).check(leaf, proof)


def write_proof(index: int, path: Sequence[bytes], checkpoint: str, extra: bytes | None = None) -> str:
    opening = [FIRST_LINE] if extra is None else [FIRST_LINE, f"extra {to_b64(extra)}"]
    return "\n".join([*opening, f"index {index}", *map(to_b64, path), "", checkpoint])


def read_proof(text: str) -> Proof:
    """Shape only; the `extra` in it is signed by nobody."""
    opening, gap, note = text.partition("\n\n")
    lines = opening.split("\n")
    if len(text) > LONGEST or not gap or lines.pop(0) != FIRST_LINE:
        raise BadReceipt("malformed_proof")
    try:
        extra = from_b64(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
        index = _index(lines.pop(0) if lines else "")
        path = [from_b64(line) for line in lines]
    except ValueError:
        raise BadReceipt("malformed_proof") from None
    if len(path) > LONGEST_PATH or any(len(step) != HASH for step in path):
        raise BadReceipt("malformed_proof")
    return Proof(index, path, note, extra)


def _index(line: str) -> int:
    if not line.startswith("index "):
        raise ValueError("no index line")
    return decimal(line.removeprefix("index "))


def _members(leaf: bytes) -> dict[str, Any]:
    try:
        value = strict_json(leaf)
    except NotJson:
        raise BadReceipt("malformed_leaf") from None
    if not isinstance(value, dict):
        raise BadReceipt("malformed_leaf")
    return value
