"""The ledger, for those that a predicate names: as the gateway matches them, on columns that the console may read."""

from typing import Any

from counterfoil.contracts.revocation_requested import Predicate

MEMBERS = ("credential_id", "request_hash", "connector", "project", "environment", "issuer", "sub_hash", "since", "until")
MATCHING = """state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain')
    AND ($1::uuid IS NULL OR credential_id = $1) AND ($2::text IS NULL OR request_hash = $2) AND ($3::text IS NULL OR connector = $3)
    AND ($4::text IS NULL OR project = $4) AND ($5::text IS NULL OR environment = $5) AND ($6::text IS NULL OR issuer = $6)
    AND ($7::text IS NULL OR sub_hash = $7) AND ($8::timestamptz IS NULL OR sent_at >= $8) AND ($9::timestamptz IS NULL OR sent_at < $9)"""


def values(predicate: Predicate) -> list[Any]:
    return [getattr(predicate, member) for member in MEMBERS]
