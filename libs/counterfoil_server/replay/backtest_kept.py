"""Recorded identities decided again under a candidate, answers kept by (policy hash, canonical request)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from counterfoil.contracts.exchange_authorized import Evidence
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import digest
from counterfoil.wire.lru import Lru
from counterfoil_server.domain import grants
from counterfoil_server.domain.known import look_up
from counterfoil_server.replay.backtest_outcome import Outcome, decided
from counterfoil_server.replay.backtest_rules import Rules
from counterfoil_server.replay.history import History
from counterfoil_server.replay.question import MEMBERS, SECONDS, registered
from counterfoil_server.runtime.rulebook import Rulebook
from counterfoil_server.runtime.snapshot import Snapshot

KEPT = 1 << 17
NO_EVIDENCE = Evidence(value="", signature="")
"""A decision carries it on, and reads nothing of it."""
text = json.JSONEncoder(separators=(",", ":")).encode


class Candidate(Protocol):
    def over(self, snapshot: Snapshot) -> Snapshot:
        """The registry as it would be with it."""
        ...


class Ground:
    """What decisions about a connector and a project rest on at one revision: the rules, and a hash of all that they read."""

    __slots__ = ("hash", "rules", "timed")

    def __init__(self, rules: Rulebook, connector: str, project: str) -> None:
        asked = rules.slice(connector)
        self.rules, self.timed = rules, asked.timed
        self.hash = digest(f"{asked.policy_hash}{registered(rules.snapshot, connector, project)}".encode())


class Decider:
    def __init__(self, history: History, candidate: Candidate, kept: int = KEPT) -> None:
        self._history, self._rules = history, Rules(history, candidate.over)
        self._grounds: dict[tuple[int, str, str], Ground] = {}
        self._answers: Lru[tuple[str, str, str], Outcome] = Lru(kept)
        self.asked = self.hits = 0

    def decide(self, who: Mapping[str, Any], revision: int, at: str) -> Outcome:
        """`who`: an IdentityVerified as its leaf has it; `at`: when it was decided about, as recorded."""
        ground = self._ground(revision, str(who["wish"].get("connector")), str(who["project"]))
        key = (ground.hash, text([who.get(name) for name in MEMBERS]), at[:SECONDS] if ground.timed else "")
        self.asked += 1
        answer = self._answers.get(key)
        if answer is not None:
            self.hits += 1
            return answer
        fact = IdentityVerified.model_validate({**who, "subject_box": ""})
        answer = decided(grants.decide(fact, look_up(ground.rules.snapshot, fact, NO_EVIDENCE), ground.rules.ask, datetime.fromisoformat(at)))
        self._answers.put(key, answer)
        return answer

    def _ground(self, revision: int, connector: str, project: str) -> Ground:
        key = self._history.turn(revision), connector, project
        found = self._grounds.get(key)
        if found is None:
            if len(self._grounds) > KEPT:
                self._grounds.clear()
            found = self._grounds[key] = Ground(self._rules.at(key[0]), connector, project)
        return found
