"""The tree, built again from leaves alone: its root has to be the one that was signed."""

import hashlib

from counterfoil.wire.merkle import Edge, leaf_hash, node_hash

NONE_BEFORE = bytes(32).hex()
PREV = b',"prev":"'


class Tree:
    """Keeps its right edge only. `broken`: the first leaf that does not name the one before it."""

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self.size = 0
        self.last = NONE_BEFORE
        self.broken: int | None = None

    def take(self, leaf: bytes) -> None:
        if self.broken is None and leaf.rpartition(PREV)[2][:64] != self.last.encode():
            self.broken = self.size
        node = leaf_hash(leaf)
        self.last, size = node.hex(), self.size
        while size & 1:
            node, size = node_hash(self._peaks.pop(), node), size >> 1
        self._peaks.append(node)
        self.size += 1

    @property
    def edge(self) -> Edge:
        return Edge(self.size, tuple(self._peaks))

    @property
    def root(self) -> bytes:
        return self.edge.root() if self.size else hashlib.sha256(b"").digest()
