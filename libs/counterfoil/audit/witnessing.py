"""Witnessing: which of the witnesses that a reader trusts have cosigned a log's heads, and whether those are enough."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from counterfoil.wire.broken import Broken
from counterfoil.wire.checkpoint import Checkpoint
from counterfoil.wire.cosignature import WitnessVKey


class NotWitnessed(Broken):
    """not_witnessed: cosigned by fewer of the named witnesses than are wanted. `missing`: by whom it is not."""

    def __init__(self, missing: Sequence[str], found: int, wanted: int) -> None:
        super().__init__("not_witnessed")
        self.missing, self.found, self.wanted = tuple(missing), found, wanted

    @property
    def message(self) -> str:
        return f"its head is cosigned by {self.found} of the {self.wanted} witnesses that are wanted; no cosignature of {', '.join(self.missing)}"


@dataclass
class Witnessing:
    """`wanted`: how many of `keys` have to have cosigned."""

    keys: tuple[WitnessVKey, ...] = ()
    wanted: int = 0
    _sizes: dict[tuple[str, bytes], int] = field(default_factory=dict)

    def anew(self) -> "Witnessing":
        return Witnessing(self.keys, self.wanted)

    def see(self, head: Checkpoint) -> None:
        """A head of the log, checked already. Raises BadCosignature: one bad line of a trusted key spoils a note."""
        for key in self.keys:
            if key.signed_at(head) is not None:
                self._sizes[_one(key)] = max(head.size, self._sizes.get(_one(key), 0))

    def names(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys if _one(key) in self._sizes)

    def size(self) -> int:
        """Up to how many leaves enough of them have seen this log. Raises NotWitnessed."""
        if len(self._sizes) < self.wanted:
            raise NotWitnessed([key.name for key in self.keys if _one(key) not in self._sizes], len(self._sizes), self.wanted)
        return sorted(self._sizes.values(), reverse=True)[self.wanted - 1] if self.wanted else 0


def _one(key: WitnessVKey) -> tuple[str, bytes]:
    return key.name, key.key_id
