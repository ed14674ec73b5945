"""exchange.authorized, decided again: what policy says about a recorded identity, by the registry of then."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.contracts.base import Asked
from counterfoil.contracts.exchange_authorized import GrantApproved, GrantDenied
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.lru import Lru
from counterfoil_server.domain import links, replay
from counterfoil_server.replay.history import History
from counterfoil_server.replay.question import MEMBERS, SECONDS, registered
from counterfoil_server.runtime.rulebook import Rulebook
from services.ops.replay.verify_kept import cut, filled, formed, holds, id_text, in_order, sorted_
from services.ops.replay.verify_outcome import EQUAL, Outcome, compared, drifted
from services.ops.replay.verify_recorded import Recorded

DENIED = (("asked",), ("at",), ("caused_by",), ("grounds", "registry_revision"), ("id",))
SENT = (("id",), ("at",), ("asked",), ("caused_by",), ("grounds", "registry_revision"))
"""The same as they are sent, in the order of the model."""
APPROVED = (("asked",), ("at",), ("caused_by",), ("evidence", "sha256"), ("grounds", "registry_revision"), ("id",))
RULEBOOKS = 32


class Who:
    """An identity that decisions rest on: as text, since thousands are remembered, and what is small stays in the processor's cache.

    `asked`: its text, where it is as our models write it, and so may be compared as it stands. `question`: all that a decision reads of it,
    beside what was asked and the time. Leaves have one spelling, so what is equal is printed alike.
    """

    __slots__ = ("asked", "connector", "deadline", "id", "model", "question", "request_hash", "sha256", "text")

    def __init__(self, one: Recorded, model: IdentityVerified | None = None, *, sound: bool = False) -> None:
        fact = one.fact
        self.text, self.sha256, self.model, self.id = one.text, one.sha256, model, fact.get("id")
        self.asked = one.asked if sound else None
        self.question = repr([fact.get(name) for name in MEMBERS]) if sound else ""
        self.connector = str(fact["wish"].get("connector")) if sound else ""
        asked: dict[str, str] = fact["asked"] if sound else {"deadline": "", "request_hash": ""}
        self.deadline, self.request_hash = asked["deadline"], asked["request_hash"]

    def read(self) -> IdentityVerified:
        """As it was recorded. Mostly once."""
        model, self.model = self.model, None
        return IdentityVerified.model_validate({**json.loads(self.text), "subject_box": ""}) if model is None else model


@dataclass(frozen=True, slots=True)
class Answer:
    pieces: tuple[str, ...]
    sent: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a decision about one connector rests on at one turn of the registry. `hash`: of the policies, and of the entries that are none."""

    rules: Rulebook
    hash: str
    timed: bool


class Grants:
    def __init__(self, history: History, kept: int) -> None:
        self._history, self._kept = history, kept
        self._rules: Lru[int, Rulebook] = Lru(RULEBOOKS)
        self._newest: Rulebook | None = None
        self._grounds: Lru[tuple[int, str], Ground] = Lru(4096)
        self._places: Lru[tuple[int, str], Ground] = Lru(4096)
        self._answers: Lru[tuple[str, str, str], Answer] | None = Lru(kept) if kept else None
        self.asked = self.hits = 0

    def authorized(self, one: Recorded, whos: Sequence[Who]) -> Outcome:
        """Against each identity under the id that it names: a redelivered request was verified twice. Raises NoHistory."""
        outcomes = [self._against(one, who) for who in whos]
        return next((outcome for outcome in outcomes if outcome is EQUAL), outcomes[0])

    def _against(self, one: Recorded, who: Who) -> Outcome:
        self.asked += 1
        key = self._key(one, who) if self._answers is not None else None
        if key is not None and self._answers is not None and (answer := self._answers.get(key)) is not None and holds(follows, answer, one, who):
            self.hits += 1
            return EQUAL
        try:
            identity, fresh, revision = who.read(), one.fact.get("code") != "registry_unavailable", int(one.fact["grounds"]["registry_revision"])
            now = datetime.fromisoformat(one.fact["at"])
            derived = self._decided(identity, revision, now, fresh=fresh)
        except (KeyError, TypeError, ValueError):
            return drifted(one, "it or the identity that it rests on is not of the form that it had to have")
        value = encode(derived)
        members: dict[str, Any] = json.loads(value)
        if "evidence" in members:
            members["evidence"] = {"sha256": who.sha256}
        outcome = compared(one, members)
        if outcome is EQUAL and "evidence" not in members and digest(value) != one.sha256:
            return drifted(one, "its bytes are not those that were sent")
        if key is not None and outcome is EQUAL and fresh and now < identity.asked.deadline:
            self._keep(key, members)
        return outcome

    def _decided(self, who: IdentityVerified, revision: int, now: datetime, *, fresh: bool) -> GrantApproved | GrantDenied:
        rules = self._ground(revision, str(who.wish.get("connector"))).rules
        return replay.authorized(who, self._history.at(revision), rules.ask, now, fresh=fresh)

    def _keep(self, key: tuple[str, str, str], members: dict[str, Any]) -> None:
        """Of an approval the sealed evidence is in no leaf; of a denial nothing is sealed, and the bytes that were sent are compared, too."""
        approved = "evidence" in members
        pieces, sent = cut(members, APPROVED if approved else DENIED, sorted_), None if approved else cut(members, SENT, in_order)
        if pieces is not None and self._answers is not None and (approved or sent is not None):
            self._answers.put(key, Answer(pieces, sent))

    def _key(self, one: Recorded, who: Who) -> tuple[str, str, str] | None:
        if who.asked is None:
            return None
        try:
            ground = self._ground(one.fact["grounds"]["registry_revision"], who.connector)
        except (KeyError, TypeError):
            return None
        return ground.hash, who.question, str(one.fact.get("at"))[:SECONDS] if ground.timed else ""

    def _ground(self, revision: int, connector: str) -> Ground:
        """The same object at every revision of one turn."""
        found = self._places.get((revision, connector))
        if found is None:
            self._history.at(revision)
            turn = self._history.turn(revision)
            found = self._grounds.get((turn, connector))
            if found is None:
                rules = self._rulebook(turn)
                slice_ = rules.slice(connector)
                found = Ground(rules, digest(f"{slice_.policy_hash}{registered(rules.snapshot, connector)}".encode()), slice_.timed)
                self._grounds.put((turn, connector), found)
            self._places.put((revision, connector), found)
        return found

    def _rulebook(self, turn: int) -> Rulebook:
        found = self._rules.get(turn)
        if found is None:
            found = Rulebook(links.compiled, self._newest, min(self._kept, 4096))
            found.follow(self._history.at(turn))
            self._rules.put(turn, found)
            self._newest = found
        return found


def follows(answer: Answer, one: Recorded, who: Who) -> bool:
    """Whether the kept answer, with what is this exchange's own put into it, is what was recorded."""
    at, asked = one.fact["at"], who.asked
    if asked is None or not formed(at) or datetime.fromisoformat(at) >= datetime.fromisoformat(who.deadline):
        return False
    about, cause, revision = f'"{id_text(GrantApproved.stage, who.request_hash)}"', f'"{who.id}"', str(one.fact["grounds"]["registry_revision"])
    if answer.sent is None:
        return filled(answer.pieces, (asked, f'"{at}"', cause, f'"{who.sha256}"', revision, about)) == one.text
    value = filled(answer.sent, (about, f'"{at}"', sent(json.loads(asked)), cause, revision))
    return digest(value.encode()) == one.sha256 and filled(answer.pieces, (asked, f'"{at}"', cause, revision, about)) == one.text


def sent(asked: Mapping[str, Any]) -> str:
    """As it is sent, in the order of the model."""
    reply = asked["reply_to"]
    inner = {"partition": reply["partition"], "instance": reply["instance"]}
    return in_order({name: inner if name == "reply_to" else asked[name] for name in Asked.model_fields if name in asked})
