"""A log that grows, or forks, leaf by leaf: heads with real signatures, proofs made of all of its leaves, and bodies for a witness."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

from counterfoil.wire.consistency import consistency_path
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash, root

ORIGIN = "log.test/audit"
KEY = LogKey(ORIGIN, bytes(range(32)))


@dataclass
class Growing:
    """`name` tells one history from another."""

    name: str = "one"
    key: LogKey = field(default_factory=lambda: KEY)
    shared: int = 0
    """So many of the first leaves are those of the history `one`."""

    def hashes(self, size: int) -> list[bytes]:
        return [leaf_hash(f"{'one' if at < self.shared else self.name} {at}".encode()) for at in range(size)]

    def head(self, size: int) -> str:
        return self.key.sign(self.key.name, size, root(self.hashes(size)))

    def proof(self, old: int, size: int) -> list[bytes]:
        return consistency_path(old, self.hashes(size))

    def body(self, old: int, size: int) -> bytes:
        return body(old, self.proof(old, size), self.head(size))


def body(old: int | str, path: Sequence[bytes], note: str) -> bytes:
    return "\n".join([f"old {old}", *(base64.b64encode(step).decode() for step in path), "", note]).encode()
