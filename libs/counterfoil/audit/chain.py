"""Chain: the audit log leaf after leaf, each checked against the one before. Its memory is the tree's right edge: O(log n)."""

from typing import Any

from counterfoil.wire.broken import Broken
from counterfoil.wire.canonical import NotCanonical, NotJson, canonical, strict_json
from counterfoil.wire.merkle import Edge, leaf_hash, node_hash

NONE_BEFORE = bytes(32)
"""What the first leaf names as its predecessor."""
VERSION = 1


class BadLeaf(Broken):
    """malformed_leaf, not_canonical, unknown_version, wrong_seq, wrong_prev: at `index`, as the chain counts."""

    def __init__(self, index: int, code: str) -> None:
        super().__init__(code)
        self.index = index


class Chain:
    def __init__(self, edge: Edge | None = None, last: bytes = NONE_BEFORE) -> None:
        start = edge or Edge()
        self.size, self.last = start.size, last
        self._peaks = list(start.peaks)

    @property
    def edge(self) -> Edge:
        return Edge(self.size, tuple(self._peaks))

    def root(self) -> bytes:
        return self.edge.root()

    def add(self, leaf: bytes) -> dict[str, Any]:
        """The leaf's members, once it follows on the last one. After BadLeaf the chain is as it was."""
        members = followed(leaf, self.size, self.last)
        self.force(leaf)
        return members

    def force(self, leaf: bytes) -> None:
        """Go on after a leaf that does not follow, to see what else is wrong."""
        self.last = node = leaf_hash(leaf)
        subtrees = self.size
        while subtrees & 1:  # two full subtrees of one height are one of the next
            node, subtrees = node_hash(self._peaks.pop(), node), subtrees >> 1
        self._peaks.append(node)
        self.size += 1


def followed(leaf: bytes, index: int, last: bytes | None) -> dict[str, Any]:
    """The members of a leaf that is the one of this index and follows on `last`; None where that one is not known."""
    members = _members(leaf, index)
    if members.get("v") != VERSION:
        raise BadLeaf(index, "unknown_version")
    if members.get("seq") != index:
        raise BadLeaf(index, "wrong_seq")
    if last is not None and members.get("prev") != last.hex():
        raise BadLeaf(index, "wrong_prev")
    return members


def _members(leaf: bytes, index: int) -> dict[str, Any]:
    try:
        members = strict_json(leaf, exact=True)
        same = canonical(members, exact=True) == leaf
    except NotJson:
        raise BadLeaf(index, "malformed_leaf") from None
    except NotCanonical:
        raise BadLeaf(index, "not_canonical") from None
    if not isinstance(members, dict):
        raise BadLeaf(index, "malformed_leaf")
    if not same:
        raise BadLeaf(index, "not_canonical")
    return members
