"""Facts and registry entries as they usually are; a test names what is different."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil.contracts.base import Asked, ReplyTo
from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved, Grounds
from counterfoil.contracts.exchange_verified import Basis, IdentityVerified
from counterfoil.contracts.registry import Ceiling, Connector, Link

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GROUNDS = Grounds(registry_revision=7)
EVIDENCE = Evidence(value="{}", signature="kid.1.0..sig")


def asked(**fields: Any) -> Asked:
    usual: dict[str, Any] = {
        "request_id": UUID(int=1),
        "request_hash": "a" * 64,
        "wish_hash": "b" * 64,
        "requester_key": "A" * 43,
        "reply_to": ReplyTo(partition=0, instance="gateway-0"),
        "deadline": NOW + timedelta(seconds=10),
        "connector": "postgres/demo",
    }
    return Asked(**{**usual, **fields})


def verified(*, deadline: datetime = NOW + timedelta(seconds=10), **fields: Any) -> IdentityVerified:
    usual: dict[str, Any] = {
        "at": NOW,
        "issuer": "https://issuer.example",
        "sub_hash": "c" * 64,
        "project": "web",
        "environment": "production",
        "claims": {"ref": "refs/heads/main"},
        "wish": {"connector": "postgres/demo", "scopes": ["read"]},
        "subject_box": "",
        "basis": Basis(registry_revision=7),
    }
    return IdentityVerified.about(asked(deadline=deadline), **{**usual, **fields})


def granted(who: IdentityVerified | None = None, **fields: Any) -> GrantApproved:
    who = who or verified()
    usual: dict[str, Any] = {name: getattr(who, name) for name in ("issuer", "sub_hash", "project", "environment")} | {
        "at": NOW,
        "connector": "postgres/demo",
        "installation": "main",
        "scopes": frozenset({"read"}),
        "lifetime": 60,
        "rule": "web->postgres/demo",
        "grounds": GROUNDS,
        "evidence": EVIDENCE,
    }
    return GrantApproved.after(who, **{**usual, **fields})


def wishing(**wish: Any) -> IdentityVerified:
    return verified(wish={"connector": "postgres/demo", **wish})


def link(**fields: Any) -> Link:
    usual: dict[str, Any] = {
        "connector": "postgres/demo",
        "project": "web",
        "environments": frozenset({"production"}),
        "ceiling": Ceiling(scopes=frozenset({"read", "write"}), longest=900),
    }
    return Link(**{**usual, **fields})


def connector(**fields: Any) -> Connector:
    return Connector(**{"name": "postgres/demo", "scopes": frozenset({"read", "admin"}), "installation": "main", **fields})
