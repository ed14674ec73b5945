"""What was recorded of each request: the exact fact of the topic, or its leaf in an export of the audit log."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = frozenset({"identity.verified", "identity.rejected"})


@dataclass(frozen=True, slots=True)
class Record:
    fact: Mapping[str, Any] = field(repr=False)
    where: str

    @property
    def request_hash(self) -> str:
        return str(self.fact["asked"]["request_hash"])


def from_export(path: Path) -> dict[str, Record]:
    """By request; the first that was recorded counts."""
    found: dict[str, Record] = {}
    for one in leaves(path):
        found.setdefault(one.request_hash, one)
    return found


def leaves(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            members = json.loads(line)
            if "leaf" in members:
                fact = json.loads(members["leaf"])["fact"]
                if fact["kind"] in KINDS:
                    yield Record(fact, f"leaf {members['index']}")
