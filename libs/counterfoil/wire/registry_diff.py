"""What a change of the registry changes, member by member: the command and the console show it before it is made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.contracts.registry import Registered

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    lines: list[str]
    removed: int


def between(had: Sequence[Registered], wanted: Sequence[Registered], *, prune: bool) -> Difference:
    """Each line begins with +, - or ~, or is a member of what stands above it."""
    before, after = {key(one): members(one) for one in had}, {key(one): members(one) for one in wanted}
    lines: list[str] = []
    for name, found in after.items():
        if name not in before:
            lines += [f"+ {' '.join(name)}", *(f"    + {member}: {value}" for member, value in found.items())]
        elif changed := altered(before[name], found):
            lines += [f"~ {' '.join(name)}", *changed]
    gone = [name for name in before if name not in after] if prune else []
    return Difference([*lines, *(f"- {' '.join(name)}" for name in gone)], len(gone))


def altered(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    lines = []
    for member in dict.fromkeys((*old, *new)):
        if old.get(member) != new.get(member):
            lines += [f"    - {member}: {old[member]}"] if member in old else []
            lines += [f"    + {member}: {new[member]}"] if member in new else []
    return lines


def key(entry: Registered) -> Key:
    return entry.kind, entry.name


def members(entry: Registered) -> dict[str, str]:
    """Flat, with a dot between; what says nothing is left out."""
    return dict(flat("", entry.model_dump(mode="json", exclude={"kind", "name"}, exclude_none=True)))


def flat(prefix: str, found: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in found.items():
        if isinstance(value, Mapping):
            rows += flat(f"{prefix}{name}.", value)
        elif value not in ([], {}):
            rows.append((prefix + name, spelled(value)))
    return rows


def spelled(value: Any) -> str:
    """A set has no order, and so two that are equal look the same."""
    if isinstance(value, list):
        value = sorted(value, key=str)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
