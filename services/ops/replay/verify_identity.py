"""exchange.verified, decided again: who somebody is, from the claims that were recorded and the issuer entry of then."""

import json
from datetime import timedelta
from typing import Any

from counterfoil.contracts.exchange_requested import FARTHEST
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.contracts.registry import Issuer
from counterfoil.wire.canonical import NotCanonical, canonical, digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.lru import Lru
from counterfoil_server.domain import identity, replay, wishes
from counterfoil_server.replay.history import History, NoHistory
from counterfoil_server.runtime.tokens.entry_hash import entry_hash
from services.ops.replay import verify_rejected
from services.ops.replay.verify_outcome import Outcome, compared, drifted
from services.ops.replay.verify_recorded import Recorded
from services.ops.replay.verify_text import Identity, Rest
from services.ops.replay.verify_text import identity as cut
from services.ops.replay.verify_who import Question


class Identities:
    """`kept`: how many answers are kept; none, and each decision is made at length."""

    def __init__(self, history: History, kept: int) -> None:
        self._history = history
        self._entries: dict[tuple[int, str], tuple[Issuer, str]] = {}
        self._hashes: dict[int, tuple[Issuer, str]] = {}
        self._then: dict[tuple[bytes, bytes], bytes] = {}
        self._answers: Lru[Rest, Question] | None = Lru(kept) if kept else None
        self.asked = self.hits = self._made = 0

    def cut(self, leaf: bytes) -> Identity | None:
        """Where answers are kept."""
        try:
            return None if self._answers is None else cut(leaf)
        except ValueError:
            return None

    def kept(self, cut: Identity) -> Question | None:
        """The question, where its answer is kept and is what was recorded: the same text, by an issuer entry of the same hash, in time."""
        if self._answers is None or (found := self._answers.get(cut.rest)) is None:
            return None
        if found.issuer_hash != self._issuer_hash(cut) or not timedelta() < cut.deadline - cut.at <= FARTHEST + identity.LEEWAY:
            return None
        self.asked += 1
        self.hits += 1
        return found

    def _issuer_hash(self, cut: Identity) -> bytes | None:
        """Of the entry of then."""
        key = cut.revision, cut.issuer
        found = self._then.get(key)
        if found is None:
            try:
                entry = self._entry(int(cut.revision), json.loads(cut.issuer))
            except NoHistory:
                return None
            if entry is None:
                return None
            found = self._then[key] = entry[1].encode()
        return found

    def keep(self, cut: Identity, fact: IdentityVerified) -> Question | None:
        """Of an identity that was made again and is equal."""
        if self._answers is None:
            return None
        self._made += 1
        question = Question(cut.issuer_hash, str(fact.wish.get("connector")), fact.project, self._made)
        self._answers.put(cut.rest, question)
        return question

    def verified(self, one: Recorded) -> tuple[Outcome, IdentityVerified | None]:
        """With the fact as it was read. Raises NoHistory."""
        self.asked += 1
        fact = read(one)
        if fact is None:
            return drifted(one, "it is not of the form that it had to have"), None
        entry = self._entry(fact.basis.registry_revision, fact.issuer)
        if entry is None:
            return drifted(one, f"the registry had no issuer {fact.issuer} at revision {fact.basis.registry_revision}"), fact
        members = json.loads(encode(replay.identified(fact, *entry)))
        if "subject_box" in members:
            members["subject_box"] = one.fact["subject_box"]  # by its hash: what was sealed is in no leaf
        return compared(one, members), fact

    def _entry(self, revision: int, issuer: str) -> tuple[Issuer, str] | None:
        """With its hash, which is made once for each entry."""
        known = self._entries.get((revision, issuer))
        if known is None:
            entry = self._history.at(revision).issuers.get(issuer)
            if entry is None:
                return None
            if id(entry) not in self._hashes:
                self._hashes[id(entry)] = entry, entry_hash(entry)
            known = self._entries[revision, issuer] = self._hashes[id(entry)]
        return known

    def rejected(self, one: Recorded) -> Outcome:
        """Raises NoHistory."""
        return verify_rejected.rejected(one, self._history, self._entry)


def read(one: Recorded) -> IdentityVerified | None:
    """What is read of the wish is read again, and takes the place of what was recorded of it."""
    try:
        wish, asked = one.fact["wish"], one.fact["asked"]
        hashed = wish_hash(wish)
        asked = {**asked, "wish_hash": hashed, "connector": wishes.connector_of(wish) if hashed else None}
        return IdentityVerified.model_validate({**one.fact, "subject_box": "", "asked": asked})
    except (KeyError, TypeError, ValueError):
        return None


def wish_hash(wish: Any) -> str | None:
    try:
        return digest(canonical(wish))
    except NotCanonical:
        return None
