"""The policies that can concern one connector, ready to be asked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import cedarpy

from counterfoil_server.runtime.concern import Parsed


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule`: the policy that decided, by its name; None where none applied. `error`: a policy could not be evaluated, so it is a no."""

    allowed: bool
    rule: str | None
    error: bool
    policy_hash: str


@dataclass(frozen=True, slots=True)
class Slice:
    policies: cedarpy.PolicySet
    statements: Mapping[str, Any]
    policy_hash: str
    timed: bool
    broken: str | None

    @classmethod
    def of(cls, texts: Mapping[str, str], parsed: Mapping[str, Parsed | None]) -> Self:
        """By name. The hash is over the texts, so that another version of Cedar comes to the same."""
        statements: dict[str, Any] = {}
        for name, text in texts.items():
            found = parsed[text]
            for place, one in enumerate(found.statements if found else (), 1):
                statements[name if place == 1 else f"{name}#{place}"] = one
        hashed = hashlib.sha256("\x1e".join(sorted(f"{name}\x1f{text}" for name, text in texts.items())).encode()).hexdigest()
        timed = any(found.timed for text in texts.values() if (found := parsed[text]))
        broken = next((name for name, text in sorted(texts.items()) if parsed[text] is None), None)
        return cls(policy_set(statements), statements, hashed, timed, broken)

    def judge(self, request: dict[str, Any], entities: cedarpy.Entities) -> Verdict:
        if self.broken is not None:
            return self._no(self.broken)
        answer = cedarpy.is_authorized(request, self.policies, entities)
        if answer.decision is cedarpy.Decision.NoDecision:
            return self._no(None)
        if answer.diagnostics.errors:
            return self._no(self._erring(request, entities))
        reasons = sorted(answer.diagnostics.reasons)
        return Verdict(allowed=answer.allowed, rule=reasons[0] if reasons else None, error=False, policy_hash=self.policy_hash)

    def _no(self, rule: str | None) -> Verdict:
        return Verdict(allowed=False, rule=rule, error=True, policy_hash=self.policy_hash)

    def _erring(self, request: dict[str, Any], entities: cedarpy.Entities) -> str:
        """Cedar names it in a sentence only."""
        alone = ((name, policy_set({name: one})) for name, one in sorted(self.statements.items()))
        return next(name for name, policies in alone if cedarpy.is_authorized(request, policies, entities).diagnostics.errors)


def policy_set(statements: Mapping[str, Any]) -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_json_str(json.dumps({"staticPolicies": statements, "templates": {}, "templateLinks": []}))
