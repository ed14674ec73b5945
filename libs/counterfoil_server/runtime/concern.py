"""Which connectors a Cedar policy can concern, so that the policies of ten thousand others need not be asked.

Sound, not clever: a policy is left out only where Cedar, reading from the left, is sure to stop at the resource, before anything can fail.
The policies are in Cedar's JSON form: https://docs.cedarpolicy.com/policies/json-format.html
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy

KIND = "Connector"
WITHOUT_CLOCK = re.compile(r'\{"left": \{"Var": "context"\}, "attr": "(?!at")')
"""Reading any member of the context but `at`. What uses `context` in another way may read the clock."""
Statement = Mapping[str, Any]


class BadPolicy(ValueError):
    """No Cedar policy, or one that can never decide anything. Says what is wrong."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One entry's statements. `connectors` is None where any connector may be concerned, `actions` where a statement names none."""

    statements: tuple[Statement, ...]
    connectors: frozenset[str] | None
    actions: frozenset[str] | None
    timed: bool


def parse(text: str) -> Parsed:
    """Raises BadPolicy."""
    try:
        found = json.loads(cedarpy.policies_to_json_str(text))
    except (ValueError, RecursionError) as error:
        raise BadPolicy(str(error)[:500]) from None
    statements = [found["staticPolicies"][name] for name in sorted(found["staticPolicies"], key=lambda name: int(name.removeprefix("policy")))]
    if found["templates"] or not statements:
        raise BadPolicy("a template permits nothing" if found["templates"] else "there is no policy in it")
    timed = '"Var": "context"' in WITHOUT_CLOCK.sub("", json.dumps(statements))
    return Parsed(tuple(statements), joined([connectors(one) for one in statements]), joined([actions(one) for one in statements]), timed)


def joined(named: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    return None if None in named else frozenset().union(*(one for one in named if one is not None))


def actions(statement: Statement) -> frozenset[str] | None:
    scope = statement["action"]
    named = scope.get("entities") or [scope[member] for member in ("entity",) if member in scope]
    return frozenset(one["id"] for one in named) if named else None


def connectors(statement: Statement) -> frozenset[str] | None:
    scope = statement["resource"]
    within = scope.get("entity") or scope.get("in", {}).get("entity")
    if within is not None:
        return frozenset([within["id"]]) if within["type"] == KIND else None
    first = next(iter(statement["conditions"]), None)
    return leftmost(first["body"]) if first is not None and first["kind"] == "when" else None


def leftmost(condition: Mapping[str, Any]) -> frozenset[str] | None:
    """Where the first thing that is asked is `resource == C`, `resource in C`, `resource in [C, ...]` or `[C, ...].contains(resource)`."""
    while "&&" in condition:
        condition = condition["&&"]["left"]
    (operator, sides), *_ = condition.items()
    if operator in ("==", "in") and sides["left"] == {"Var": "resource"}:
        return literals(sides["right"])
    if operator == "contains" and sides["right"] == {"Var": "resource"}:
        return literals(sides["left"])
    return None


def literals(expression: Mapping[str, Any]) -> frozenset[str] | None:
    """The connectors that stand there, where nothing else does."""
    found = [one.get("Value") for one in expression.get("Set", [expression])]
    uids = [one["__entity"] for one in found if isinstance(one, dict) and "__entity" in one]
    if len(uids) != len(found) or any(uid["type"] != KIND for uid in uids):
        return None
    return frozenset(uid["id"] for uid in uids)
