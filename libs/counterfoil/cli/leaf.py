"""A leaf of the audit log as one line: when, what, who, about what, and what became of it."""

from typing import Any

from counterfoil.cli.printing import plain

COLUMNS = ("index", "time", "kind", "who", "connector", "outcome")
OUTCOMES = ("code", "outcome", "change", "cause", "rule")
"""The first of these that a fact has."""


def row(index: int, leaf: dict[str, Any]) -> list[str]:
    fact = leaf.get("fact") or {}
    cells = (index, str(leaf.get("time", ""))[:26].rstrip("Z") + "Z", fact.get("kind"), who(fact), what(fact), outcome(fact))
    return [plain(cell) for cell in cells]


def who(fact: dict[str, Any]) -> str:
    if fact.get("project"):
        return f"{fact['project']}/{fact.get('environment')}"
    actor = fact.get("actor") or {}
    if actor:
        return f"{actor.get('role')} {str(actor.get('sub_hash'))[:8]}"
    return str(fact.get("unverified_issuer") or "-")


def what(fact: dict[str, Any]) -> str:
    asked, predicate = fact.get("asked") or {}, fact.get("predicate") or {}
    entry = f"{fact['entry_kind']} {fact.get('name')}" if fact.get("entry_kind") else None
    found = fact.get("connector") or asked.get("connector") or entry or ", ".join(f"{name}={value}" for name, value in predicate.items() if value)
    return str(found or fact.get("credential_id") or "-")


def outcome(fact: dict[str, Any]) -> str:
    return str(next((fact[name] for name in OUTCOMES if fact.get(name)), fact.get("credential_id") or "-"))
