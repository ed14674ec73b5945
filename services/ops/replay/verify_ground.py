"""What a decision rests on beside the identity: the policies that can concern its connector, and the entries that are none, at a revision."""

from dataclasses import dataclass

from counterfoil.wire.canonical import digest
from counterfoil.wire.lru import Lru
from counterfoil_server.domain import links
from counterfoil_server.replay.history import History
from counterfoil_server.replay.question import registered
from counterfoil_server.runtime.rulebook import Rulebook

RULEBOOKS = 32
PLACES = 1 << 15


@dataclass(frozen=True, slots=True)
class Ground:
    """`hash`: of the policies, and of the entries that are none."""

    hash: str
    timed: bool


class Grounds:
    """The same object at every revision between two turns of the registry."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._rulebooks: Lru[int, Rulebook] = Lru(RULEBOOKS)
        self._newest: Rulebook | None = None
        self._turns: Lru[tuple[int, str, str], Ground] = Lru(PLACES)
        self._places: Lru[tuple[bytes, str, str], Ground] = Lru(PLACES)

    def of(self, revision: bytes, connector: str, project: str) -> Ground:
        """`revision`: as it was recorded. Raises NoHistory."""
        key = revision, connector, project
        found = self._places.get(key)
        if found is None:
            found = self._of(int(revision), connector, project)
            self._places.put(key, found)
        return found

    def rules(self, revision: int) -> Rulebook:
        """Raises NoHistory."""
        self._history.at(revision)
        turn = self._history.turn(revision)
        found = self._rulebooks.get(turn)
        if found is None:
            found = Rulebook(links.compiled, self._newest, kept=0)
            found.follow(self._history.at(turn))
            self._rulebooks.put(turn, found)
            self._newest = found
        return found

    def _of(self, revision: int, connector: str, project: str) -> Ground:
        rules = self.rules(revision)
        key = self._history.turn(revision), connector, project
        found = self._turns.get(key)
        if found is None:
            slice_ = rules.slice(connector)
            found = Ground(digest(f"{slice_.policy_hash}{registered(rules.snapshot, connector, project)}".encode()), slice_.timed)
            self._turns.put(key, found)
        return found
