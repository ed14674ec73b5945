"""An audit log of a few hundred leaves without a database: facts of every kind, leaves as audit makes them, heads with real signatures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid5

from counterfoil.audit.export_file import head_line, leaf_line
from counterfoil.contracts import TOPICS
from counterfoil.contracts.base import NAMESPACE
from counterfoil.wire.envelope import adapter
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash, path, root
from counterfoil.wire.receipt import write_proof
from counterfoil_server.runtime.stage import Received
from services.audit.leaves import NONE_BEFORE, entry, leaf, microseconds

ORIGIN = "log.test"
EXAMPLES = Path(__file__).parents[2] / "libs/counterfoil/contracts/examples"
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def facts(round_: int) -> Sequence[Received]:
    """One of every kind that is a leaf, each round of requests and credentials of its own."""
    found = []
    for topic in TOPICS:
        if "audit" in topic.read_by:
            for file in sorted((EXAMPLES / topic.name).glob("*.json")):
                value = renamed(json.loads(file.read_text()), round_)
                found.append(Received(topic, adapter(topic).validate_json(value), value, {}, 0, 0, 0))
    return found


def renamed(members: dict[str, Any], round_: int) -> bytes:
    def other(name: str) -> str:
        return str(uuid5(NAMESPACE, f"{round_} {name}"))

    ids = {name: other(members[name]) for name in ("id", "credential_id", "revocation_id") if isinstance(members.get(name), str)}
    asked = {"asked": {**members["asked"], "request_id": other(members["asked"]["request_id"])}} if "asked" in members else {}
    return json.dumps({**members, **ids, **asked}, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class MadeLog:
    key: LogKey = field(default_factory=lambda: LogKey.generate(ORIGIN))
    leaves: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, size: int) -> "MadeLog":
        made, round_ = cls(), 0
        while len(made.leaves) < size:
            for one in facts(round_)[: size - len(made.leaves)]:
                made.append(one)
            round_ += 1
        return made

    def append(self, fact: Received) -> bytes:
        last = leaf_hash(self.leaves[-1]) if self.leaves else NONE_BEFORE
        time = microseconds(START + timedelta(seconds=len(self.leaves)))
        self.leaves.append(leaf(entry(fact), len(self.leaves), last, time))
        return self.leaves[-1]

    def hashes(self, size: int | None = None) -> list[bytes]:
        return [leaf_hash(one) for one in self.leaves[:size]]

    def head(self, size: int | None = None) -> str:
        hashes = self.hashes(size)
        return self.key.sign(ORIGIN, len(hashes), root(hashes))

    def proof(self, index: int) -> str:
        return write_proof(index, path(index, self.hashes()), self.head())

    def fact(self, index: int) -> dict[str, Any]:
        return dict(json.loads(self.leaves[index])["fact"])

    def find(self, kind: str) -> int:
        return next(at for at in range(len(self.leaves)) if self.fact(at)["kind"] == kind)

    def export(self, first: int = 0, end: int | None = None, head: str | None = None) -> str:
        end = len(self.leaves) if end is None else end
        lines = [leaf_line(at, self.leaves[at].decode()) for at in range(first, end)]
        return "\n".join([*lines, head_line(head or self.head(end)), ""])
