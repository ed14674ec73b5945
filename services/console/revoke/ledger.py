"""The ledger, for those that a predicate names: as the gateway matches them, on columns that the console may read."""

from typing import Any

from counterfoil.contracts.revocation_requested import Predicate

ALIVE = "state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain')"
MEMBERS = {
    "credential_id": "credential_id =", "request_hash": "request_hash =", "connector": "connector =", "project": "project =",
    "environment": "environment =", "issuer": "issuer =", "sub_hash": "sub_hash =", "since": "sent_at >=", "until": "sent_at <",
}  # fmt: skip


def matching(predicate: Predicate) -> tuple[str, list[Any]]:
    """A condition and its values. It has what is named and nothing else, so that what has an index is found by it."""
    values = {name: value for name in MEMBERS if (value := getattr(predicate, name)) is not None}
    named = [f"{MEMBERS[name]} ${place}" for place, name in enumerate(values, 1)]
    return " AND ".join([ALIVE, *named]), list(values.values())
