"""The doors of the audit log, over a log that is in memory. tests/walk/test_audit_offline.py asks the gateway's own the same."""

import json
from typing import Any

from counterfoil.wire.armor import to_b64
from counterfoil.wire.merkle import path
from tests.cli.shell import Shell
from tests.cli.stand_in import Asked
from tests.support.made_log import MadeLog

NO: dict[str, Any] = {"message": "words", "fix": "do this"}


def serve(sh: Shell, log: MadeLog, served: list[bytes] | None = None, **known: Any) -> None:
    """`served`: the leaves as they are shown, where that is not what was signed."""
    door = Door(log, served)
    sh.gateway.says |= {"/v1/audit/leaves": door.leaves, "/v1/audit/proof/inclusion": door.inclusion}
    sh.gateway.members |= {"log_keys": [log.key.vkey]} | known


class Door:
    def __init__(self, log: MadeLog, served: list[bytes] | None) -> None:
        self.log, self.late = log, 0
        self.shown = dict(enumerate(log.leaves)) if served is None else {json.loads(leaf)["seq"]: leaf for leaf in served}

    def leaves(self, asked: Asked) -> tuple[int, Any]:
        query, size = asked.query, len(self.log.leaves)
        limit, about = int(query.get("limit", 100)), query.get("request_id") or query.get("credential_id")
        start = int(query["after"]) + 1 if "after" in query else int(query.get("from", 0 if about else max(0, size - limit)))
        places = [at for at in sorted(self.shown) if at >= start and (not about or self._speaks(at, query))][:limit]
        found = [{"index": at, "leaf": self.shown[at].decode()} for at in places]
        return 200, {"leaves": found, "next": None, "size": size, "checkpoint": self.log.head() if size else None}

    def _speaks(self, at: int, query: dict[str, str]) -> bool:
        fact = self.log.fact(at)
        if "request_id" in query:
            return bool((fact.get("asked") or {}).get("request_id") == query["request_id"])
        return bool(fact.get("credential_id") == query["credential_id"])

    def inclusion(self, asked: Asked) -> tuple[int, Any]:
        index, size = int(asked.query["index"]), len(self.log.leaves)
        steps = [to_b64(step) for step in path(index, self.log.hashes())]
        return 200, {"index": index, "size": size, "leaf": self.shown[index].decode(), "path": steps, "checkpoint": self.log.head(),
                     "proof": self.log.proof(index)}  # fmt: skip
