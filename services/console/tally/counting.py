"""Leaves -> how many exchanges ended how, by hour. Pure."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

OUTCOMES = {
    "identity.rejected": "rejected", "grant.denied": "denied", "mint.refused": "refused", "credential.minted": "granted",
    "credential.revoked": "revoked",
}  # fmt: skip
"""By the kind of the last fact of an exchange; a revocation counts beside them."""
ENDED = ("granted", "denied", "rejected", "refused")
UNKNOWN = "unknown"
LONGEST_CODE = 64


class Key(NamedTuple):
    hour: datetime
    connector: str
    outcome: str
    code: str


def counted(leaves: Iterable[bytes], connectors: Collection[str]) -> Counter[Key]:
    """`connectors`: those that exist. Whoever asks for another counts as unknown: names that callers invent must not fill a table."""
    found: Counter[Key] = Counter()
    for one in leaves:
        leaf = json.loads(one)
        if (outcome := OUTCOMES.get(leaf["fact"]["kind"])) is not None:
            found[key(leaf, outcome, connectors)] += 1
    return found


def key(leaf: dict[str, Any], outcome: str, connectors: Collection[str]) -> Key:
    fact = leaf["fact"]
    hour = datetime.fromisoformat(leaf["time"]).replace(minute=0, second=0, microsecond=0)
    connector = fact.get("connector") or (fact.get("asked") or {}).get("connector") or UNKNOWN
    code = str(fact.get("code") or "")[:LONGEST_CODE]
    return Key(hour, connector if connector in connectors else UNKNOWN, outcome, code if outcome != "granted" else "")
