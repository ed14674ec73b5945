"""RFC 6962 consistency proofs: that a log's later root only added to its earlier one."""

from collections.abc import Iterator, Sequence

from counterfoil.wire.merkle import EMPTY, HASH, BadPath, node_hash, root


class Inconsistent(BadPath):
    """malformed_path, or inconsistent: the later tree does not begin with the earlier one."""


def consistency_path(old_size: int, hashes: Sequence[bytes]) -> list[bytes]:
    """PROOF(old_size, hashes). Needs all leaf hashes; from the empty tree, and to itself, the proof is empty."""
    if not 0 <= old_size <= len(hashes):
        raise Inconsistent("malformed_path")
    return _subproof(old_size, hashes, whole=True) if old_size else []


def check_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """RFC 9162 2.1.4.2. Raises Inconsistent."""
    if not 0 <= old_size <= new_size or any(len(each) != HASH for each in (old_root, new_root, *path)):
        raise Inconsistent("malformed_path")
    if old_size in (0, new_size):
        if path:
            raise Inconsistent("malformed_path")
        old, new = EMPTY if old_size == 0 else old_root, old_root if old_size else new_root
    else:
        old, new = _roots(old_size, old_root, new_size, path)
    if (old, new) != (old_root, new_root):
        raise Inconsistent("inconsistent")


def _roots(old_size: int, old_root: bytes, new_size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots, worked out from the path. Where the old tree is one full subtree, the path leaves its root out."""
    steps = iter(path if old_size & (old_size - 1) else [old_root, *path])
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = _next(steps)
    while last:
        if at & 1:
            step = _next(steps)
            old, new = node_hash(step, old), node_hash(step, new)
        elif at < last:
            new = node_hash(new, _next(steps))
        at, last = at >> 1, last >> 1
    if next(steps, None) is not None:
        raise Inconsistent("malformed_path")
    return old, new


def _next(steps: Iterator[bytes]) -> bytes:
    step = next(steps, None)
    if step is None:
        raise Inconsistent("malformed_path")
    return step


def _subproof(old_size: int, hashes: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if old_size == len(hashes):
        return [] if whole else [root(hashes)]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if old_size <= split:
        return [*_subproof(old_size, hashes[:split], whole=whole), root(hashes[split:])]
    return [*_subproof(old_size - split, hashes[split:], whole=False), root(hashes[:split])]
