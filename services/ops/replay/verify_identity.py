"""exchange.verified, decided again: who somebody is, from the claims that were recorded and the issuer entry of then."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil.contracts.base import named
from counterfoil.contracts.exchange_requested import FARTHEST
from counterfoil.contracts.exchange_verified import IdentityRejected, IdentityVerified
from counterfoil.contracts.registry import Issuer
from counterfoil.wire.canonical import NotCanonical, canonical, digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.lru import Lru
from counterfoil_server.domain import identity, replay, wishes
from counterfoil_server.replay.history import History
from counterfoil_server.runtime.tokens.entry_hash import entry_hash
from services.ops.replay.verify_kept import asked_text, cut, filled, formed, holds, id_text, in_order, sorted_
from services.ops.replay.verify_outcome import EQUAL, SHAPE, Outcome, compared, drifted
from services.ops.replay.verify_recorded import Recorded

HOLES = (("asked",), ("at",), ("basis", "jwks_thumbprint"), ("basis", "registry_revision"), ("id",), ("sub_hash",), ("subject_box", "sha256"))
USE = (("token_use", "digest"), ("token_use", "expires"))


@dataclass(frozen=True, slots=True)
class Answer:
    """`used`: the issuer's tokens are used once, and their use has two holes of its own."""

    pieces: tuple[str, ...]
    connector: str
    wish_hash: str
    used: bool


class Identities:
    """`kept`: how many answers are kept; none, and each decision is made at length."""

    def __init__(self, history: History, kept: int) -> None:
        self._history = history
        self._entries: dict[tuple[int, str], tuple[Issuer, str]] = {}
        self._hashes: dict[int, tuple[Issuer, str]] = {}
        self._answers: Lru[tuple[str, ...], Answer] | None = Lru(kept) if kept else None
        self.asked = self.hits = 0

    def verified(self, one: Recorded) -> tuple[Outcome, IdentityVerified | None]:
        """With the fact as it was read, if it had to be. Raises NoHistory."""
        self.asked += 1
        key = self._key(one) if self._answers is not None else None
        if key is not None and self._answers is not None and (answer := self._answers.get(key)) is not None and holds(follows, answer, one):
            self.hits += 1
            return EQUAL, None
        fact = read(one)
        if fact is None:
            return drifted(one, "it is not of the form that it had to have"), None
        entry = self._entry(fact.basis.registry_revision, fact.issuer)
        if entry is None:
            return drifted(one, f"the registry had no issuer {fact.issuer} at revision {fact.basis.registry_revision}"), fact
        members = json.loads(encode(replay.identified(fact, *entry)))
        if "subject_box" in members:
            members["subject_box"] = one.fact["subject_box"]  # by its hash: what was sealed is in no leaf
        outcome = compared(one, members)
        if key is not None and outcome is EQUAL:
            self._keep(key, members)
        return outcome, fact

    def _key(self, one: Recorded) -> tuple[str, ...] | None:
        """Leaves have one spelling, so what is equal is printed alike."""
        fact = one.fact
        try:
            entry = self._entry(fact["basis"]["registry_revision"], fact["issuer"])
            return None if entry is None else (entry[1], repr(fact["claims"]), repr(fact["wish"]), fact.get("subject", ""))
        except (KeyError, TypeError):
            return None

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

    def _keep(self, key: tuple[str, ...], members: dict[str, Any]) -> None:
        used = "token_use" in members
        pieces = cut(members, (*HOLES, *(USE if used else ())), sorted_)
        asked = members["asked"]
        if pieces is not None and self._answers is not None and "wish_hash" in asked:
            connector = f'"connector":{in_order(asked["connector"])},' if "connector" in asked else ""
            self._answers.put(key, Answer(pieces, connector, f',"wish_hash":"{asked["wish_hash"]}"', used))

    def rejected(self, one: Recorded) -> Outcome:
        """Raises NoHistory. What rests on the token, or on a wish that could not be read, can be compared in shape and basis only."""
        try:
            fact = IdentityRejected.model_validate(one.fact)
        except ValueError:
            return drifted(one, "it is not of the form that it had to have")
        revision, entry = fact.basis.registry_revision, None
        self._history.at(revision)
        if fact.code in replay.AGAIN:
            derived = replay.rejected(fact)
            return drifted(one, "this code would not reject it before it saw the token") if derived is None else exactly(one, derived)
        if fact.basis.issuer_entry is not None and fact.unverified_issuer is not None:
            entry = self._entry(revision, fact.unverified_issuer)
            if entry is None or (entry[0].name, entry[1]) != (fact.basis.issuer_entry, fact.basis.issuer_hash):
                return drifted(one, f"the registry had another entry for the issuer {fact.unverified_issuer} at revision {revision}")
        if fact.code == "unknown_issuer" and self._entry(revision, str(fact.unverified_issuer)) is not None:
            return drifted(one, f"the registry had the issuer {fact.unverified_issuer} at revision {revision}")
        if fact.code == "unmapped" and (entry is None or fact.message not in set(replay.unmapped(entry[0]))):
            return drifted(one, "no rule of its issuer entry says this")
        outcome = exactly(one, fact.model_copy(update={"id": named(IdentityRejected.stage, fact.asked.request_hash)}))
        return SHAPE if outcome is EQUAL else outcome


def exactly(one: Recorded, derived: IdentityRejected) -> Outcome:
    """Nothing of it is sealed: the hash of the very bytes that were sent is in the leaf."""
    value = encode(derived)
    outcome = compared(one, json.loads(value))
    return drifted(one, "its bytes are not those that were sent") if outcome is EQUAL and digest(value) != one.sha256 else outcome


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


def follows(answer: Answer, one: Recorded) -> bool:
    """Whether the kept answer, with what is this exchange's own put into it, is what was recorded."""
    fact = one.fact
    asked = asked_text(fact["asked"], answer.connector, answer.wish_hash)
    if asked is None:
        return False
    at, basis, sub_hash, box = fact["at"], fact["basis"], fact["sub_hash"], fact["subject_box"]["sha256"]
    jwks, revision, request_hash = basis["jwks_thumbprint"], basis["registry_revision"], fact["asked"]["request_hash"]
    uses: tuple[str, ...] = ()
    if answer.used:
        use = fact["token_use"]
        if not formed(at, use["digest"]) or type(use["expires"]) is not int:
            return False
        uses = (f'"{use["digest"]}"', str(use["expires"]))
    if not formed(at, jwks, sub_hash, box) or not punctual(fact["asked"]["deadline"], at):
        return False
    about = id_text(IdentityVerified.stage, request_hash)
    values = (asked, f'"{at}"', f'"{jwks}"', str(revision), f'"{about}"', f'"{sub_hash}"', f'"{box}"', *uses)
    return filled(answer.pieces, values) == one.text


def punctual(deadline: str, at: str) -> bool:
    left = datetime.fromisoformat(deadline) - datetime.fromisoformat(at)
    return timedelta() < left <= FARTHEST + identity.LEEWAY
