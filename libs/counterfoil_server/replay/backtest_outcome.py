"""What a decision comes to, and in which way another one of the same request differs from it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from counterfoil.contracts.exchange_authorized import GrantApproved, GrantDenied

Change = Literal["denied", "allowed", "narrowed", "widened"]
CHANGES: tuple[Change, ...] = ("denied", "allowed", "narrowed", "widened")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`rule`: of a grant the policy that permitted it, of a denial what forbade it, where anything did. Details as their texts."""

    granted: bool
    rule: str | None = None
    code: str | None = None
    scopes: frozenset[str] = frozenset()
    details: frozenset[str] = frozenset()
    lifetime: int = 0
    installation: str | None = None

    @property
    def why(self) -> str:
        return f"{self.rule or '-'}" if self.granted else f"{self.code}: {self.rule or 'no policy permits it'}"

    def shown(self) -> dict[str, Any]:
        if not self.granted:
            return {"granted": False, "code": self.code, "rule": self.rule}
        details = [json.loads(one) for one in sorted(self.details)]
        return {"granted": True, "rule": self.rule, "scopes": sorted(self.scopes), "details": details, "lifetime": self.lifetime,
                "installation": self.installation}  # fmt: skip


def recorded(fact: Mapping[str, Any]) -> Outcome:
    """Of a decision's leaf, as it stands there."""
    if fact["kind"] == "grant.denied":
        return Outcome(granted=False, rule=fact.get("rule"), code=fact["code"])
    details = frozenset(spelled(one) for one in fact.get("details", ()))
    return Outcome(True, fact["rule"], None, frozenset(fact["scopes"]), details, fact["lifetime"], fact["installation"])


def decided(fact: GrantApproved | GrantDenied) -> Outcome:
    if isinstance(fact, GrantDenied):
        return Outcome(granted=False, rule=fact.rule, code=fact.code)
    details = frozenset(spelled(one) for one in fact.details)
    return Outcome(True, fact.rule, None, fact.scopes, details, fact.lifetime, fact.installation)


def spelled(detail: Mapping[str, Any]) -> str:
    return json.dumps(detail, sort_keys=True, separators=(",", ":"))


def change(before: Outcome, after: Outcome) -> Change | None:
    """None: the caller would have got the same. Another reason for the same no is no change, nor is another rule for the same grant."""
    if before.granted != after.granted:
        return "allowed" if after.granted else "denied"
    if not after.granted or (within(before, after) and within(after, before)):
        return None
    return "narrowed" if within(after, before) else "widened"


def within(one: Outcome, other: Outcome) -> bool:
    """Details narrow a grant: without any it is all that its scopes are."""
    fewer = one.details == other.details or (bool(one.details) and (not other.details or one.details <= other.details))
    return one.scopes <= other.scopes and one.lifetime <= other.lifetime and one.installation == other.installation and fewer
