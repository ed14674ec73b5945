"""The rules that held at a revision, as recorded or with a candidate put over them: made once for each turn of the registry."""

from collections.abc import Callable

from counterfoil.wire.lru import Lru
from counterfoil_server.domain import links
from counterfoil_server.replay.history import History
from counterfoil_server.runtime.rulebook import Rulebook
from counterfoil_server.runtime.snapshot import Snapshot

RULEBOOKS = 32


class Rules:
    def __init__(self, history: History, over: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot) -> None:
        self.history, self._over = history, over
        self._books: Lru[int, Rulebook] = Lru(RULEBOOKS)
        self._newest: Rulebook | None = None

    def at(self, revision: int) -> Rulebook:
        """Its snapshot is of the turn: what is decided names the revision by itself. Raises NoHistory."""
        turn = self.history.turn(revision)
        found = self._books.get(turn)
        if found is None:
            found = Rulebook(links.compiled, self._newest)
            found.follow(self._over(self.history.at(turn)))
            self._books.put(turn, found)
            self._newest = found
        return found
