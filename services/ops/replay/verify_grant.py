"""exchange.authorized, decided again: what policy says about a recorded identity, by the registry of then."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from counterfoil.contracts.exchange_authorized import GrantApproved, GrantDenied
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.lru import Lru
from counterfoil_server.domain import replay
from counterfoil_server.replay.history import History, NoHistory
from counterfoil_server.replay.question import SECONDS
from services.ops.replay.verify_ground import Grounds
from services.ops.replay.verify_outcome import EQUAL, Outcome, compared, drifted
from services.ops.replay.verify_recorded import Recorded
from services.ops.replay.verify_sent import Sent
from services.ops.replay.verify_text import Grant, Rest, grant
from services.ops.replay.verify_who import Who

Key = tuple[str, str, int, bytes, Rest]


class Grants:
    def __init__(self, history: History, kept: int) -> None:
        self._history, self._grounds = history, Grounds(history)
        self._answers: Lru[Key, Sent] | None = Lru(kept) if kept else None
        self.asked = self.hits = 0

    def kept(self, leaf: bytes, who: Who) -> str | None:
        """The decision's kind, where an answer is kept for what was asked and is what was recorded."""
        try:
            cut = self._cut(leaf, who)
            if self._answers is None or cut is None or (key := self._key(cut, who)) is None or (sent := self._answers.get(key)) is None:
                return None
            if not (in_time(cut.at, who) and sent.same(cut, who)):
                return None
        except (ValueError, NoHistory):
            return None
        self.asked += 1
        self.hits += 1
        return "grant.approved" if cut.approved else "grant.denied"

    def authorized(self, one: Recorded, whos: Sequence[Who]) -> Outcome:
        """Against each identity under the id that it names: a redelivered request was verified twice. Raises NoHistory."""
        outcomes = [self._against(one, who) for who in whos]
        return next((outcome for outcome in outcomes if outcome is EQUAL), outcomes[0])

    def _against(self, one: Recorded, who: Who) -> Outcome:
        self.asked += 1
        try:
            identity, fresh, revision = who.read(), one.fact.get("code") != "registry_unavailable", int(one.fact["grounds"]["registry_revision"])
            now = datetime.fromisoformat(one.fact["at"])
            derived = self._decided(identity, revision, now, fresh=fresh)
        except (KeyError, TypeError, ValueError):
            return drifted(one, "it or the identity that it rests on is not of the form that it had to have")
        value = encode(derived)
        members: dict[str, Any] = json.loads(value)
        approved = "evidence" in members
        if approved:
            members["evidence"] = {"sha256": who.sha256}
        outcome = compared(one, members)
        if outcome is EQUAL and not approved and digest(value) != one.sha256:
            return drifted(one, "its bytes are not those that were sent")
        if outcome is EQUAL and fresh:
            self._keep(one, who, members)
        return outcome

    def _decided(self, who: IdentityVerified, revision: int, now: datetime, *, fresh: bool) -> GrantApproved | GrantDenied:
        rules = self._grounds.rules(revision)
        return replay.authorized(who, self._history.at(revision), rules.ask, now, fresh=fresh)

    def _keep(self, one: Recorded, who: Who, members: dict[str, Any]) -> None:
        """Of an approval the sealed evidence is in no leaf; of a denial nothing is sealed, and the bytes that were sent are compared, too."""
        cut, approved = self._cut(one.leaf, who), "evidence" in members
        if self._answers is None or cut is None or cut.approved is not approved or not in_time(cut.at, who):
            return
        key, sent = self._key(cut, who), Sent.of(None if approved else members)
        if key is not None and sent is not None:
            self._answers.put(key, sent)

    def _cut(self, leaf: bytes, who: Who) -> Grant | None:
        known = who.cut
        return None if known is None or self._answers is None else grant(leaf, known.asked, known.request_hash, who.id, who.sha256)

    def _key(self, cut: Grant, who: Who) -> Key | None:
        if who.question is None or who.cut is None:
            return None
        ground = self._grounds.of(cut.revision, who.question.connector, who.question.project)
        return ground.hash, cut.at[:SECONDS] if ground.timed else "", who.question.number, who.cut.sub_hash, cut.rest


def in_time(at: str, who: Who) -> bool:
    """What is late is denied for that, whatever else would have been said."""
    return who.deadline is not None and datetime.fromisoformat(at) < who.deadline
