"""Leaves of the audit log as rows of a page: when, what, who, about what, what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.contracts.base import JsonObject
from services.console.words import short

KINDS: Mapping[str, str] = {
    "identity.verified": "A caller proved who it is",
    "identity.rejected": "A caller was rejected",
    "grant.approved": "Policy granted it",
    "grant.denied": "Policy denied it",
    "credential.minted": "A credential was minted",
    "mint.refused": "The mint was refused",
    "revocation.requested": "An end was ordered",
    "revocation.ordered": "One credential has to end",
    "credential.revoked": "A credential is dead",
    "revocation.stuck": "An end is stuck",
    "revocation.uncertain": "An end is uncertain",
    "registry.changed": "The registry was changed",
    "consent.granted": "A user agreed",
    "consent.refused": "A user gave nothing",
}
NO = frozenset({"identity.rejected", "grant.denied", "mint.refused", "revocation.stuck", "revocation.uncertain", "consent.refused"})
YES = frozenset({"grant.approved", "credential.minted", "credential.revoked", "consent.granted"})
OUTCOMES = ("code", "outcome", "change", "cause", "rule")
"""The first of these that a fact has."""
NONE = "-"


@dataclass(frozen=True, slots=True)
class Leaf:
    """`text`: exactly what was appended."""

    index: int
    text: str = field(repr=False)
    members: JsonObject = field(repr=False)

    @property
    def fact(self) -> JsonObject:
        found = self.members.get("fact")
        return found if isinstance(found, dict) else {}

    @property
    def kind(self) -> str:
        return str(self.fact.get("kind", "?"))

    @property
    def words(self) -> str:
        return KINDS.get(self.kind, self.kind)

    @property
    def tone(self) -> str:
        return "no" if self.kind in NO else "ok" if self.kind in YES else "info"

    @property
    def at(self) -> datetime | None:
        """When it was appended."""
        try:
            return datetime.fromisoformat(str(self.members.get("time")))
        except ValueError:
            return None

    @property
    def who(self) -> str:
        fact, actor = self.fact, self.fact.get("actor") or {}
        if fact.get("project"):
            return f"{fact['project']} / {fact.get('environment')}"
        return f"{actor.get('role')} {str(actor.get('sub_hash'))[:12]}" if actor else str(fact.get("unverified_issuer") or NONE)

    @property
    def what(self) -> str:
        fact = self.fact
        entry = f"{fact['entry_kind']} {fact.get('name')}" if fact.get("entry_kind") else None
        named = ", ".join(f"{name} {value}" for name, value in (fact.get("predicate") or {}).items() if value)
        one = f"credential {short(fact['credential_id'])}" if fact.get("credential_id") else None
        return str(fact.get("connector") or (fact.get("asked") or {}).get("connector") or entry or named or one or NONE)

    @property
    def outcome(self) -> str:
        lent = f"credential {short(self.fact['credential_id'])}" if self.fact.get("credential_id") else NONE
        return str(next((self.fact[name] for name in OUTCOMES if self.fact.get(name)), lent))

    @property
    def request_id(self) -> str | None:
        asked = self.fact.get("asked")
        return asked.get("request_id") if isinstance(asked, dict) else None

    @property
    def pretty(self) -> str:
        return json.dumps(self.members, indent=2, ensure_ascii=False)


def leaf(row: Mapping[str, Any]) -> Leaf:
    """A leaf that is no JSON object could only be there if somebody else wrote it: it is shown as it is."""
    text = bytes(row["bytes"]).decode(errors="replace")
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    return Leaf(row["idx"], text, members if isinstance(members, dict) else {})
