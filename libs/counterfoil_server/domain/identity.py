"""Who asks: the rule of an issuer entry over proven claims. Replay calls it with the recorded claims, so it reads no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil.contracts.base import Asked
from counterfoil.contracts.claims import claim
from counterfoil.contracts.exchange_requested import FARTHEST
from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, IdentityVerified, RejectionCode, TokenUse
from counterfoil.contracts.registry import Issuer, Mapped

LEEWAY = timedelta(seconds=5)
"""A deadline that is this much too far ahead is a clock that is off, not an attempt."""


@dataclass(frozen=True)
class Proven:
    """A token that was good. `claims` holds what the rule reads, and nothing else of it."""

    issuer: Issuer
    claims: Mapping[str, Any]
    sub_hash: str
    subject: str | None
    subject_box: str
    token_use: TokenUse | None


class Unmapped(ValueError):
    """The token is good and the issuer entry's rule does not know where it belongs."""


def reads(issuer: Issuer) -> frozenset[str]:
    """Every claim that the rule reads or the operator wants recorded."""
    mapped = {one.claim for one in (issuer.project, issuer.environment) if one.claim is not None}
    return frozenset(issuer.pins) | issuer.record | mapped


def chosen(issuer: Issuer, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Of a token's claims those that the rule reads, by the entry's own names for them. One that lies inside another is taken out of it."""
    found = {name: claim(claims, name) for name in reads(issuer)}
    return {name: value for name, value in found.items() if value is not None}


def ordered(value: Any) -> Any:
    """In one order at every depth. A leaf holds members in an order of its own, and replay has to come to the bytes that were sent."""
    if isinstance(value, Mapping):
        return {name: ordered(value[name]) for name in sorted(value)}
    return [ordered(one) for one in value] if isinstance(value, list) else value


def punctual(asked: Asked, now: datetime) -> RejectionCode | None:
    """A deadline lies ahead, and at most a minute."""
    if now >= asked.deadline:
        return "late"
    return "bad_deadline" if asked.deadline - now > FARTHEST + LEEWAY else None


def unproven(asked: Asked, basis: Basis, now: datetime, *, fresh: bool) -> IdentityRejected | None:
    """What no token could mend. `fresh`: the registry was confirmed."""
    if not fresh:
        return rejected(asked, "registry_unavailable", "the registry could not be confirmed for ten seconds", basis, now)
    if code := punctual(asked, now):
        return rejected(asked, code, "the deadline has passed, or lies more than 60 s ahead", basis, now)
    return None


def decide(asked: Asked, who: Proven, wish: Any, bad_wish: str | None, basis: Basis, now: datetime) -> IdentityVerified | IdentityRejected:
    """`bad_wish` says what is wrong with the wish. A missing claim rejects: a missing environment never means production."""
    try:
        project, environment = place(who.issuer, who.claims)
    except Unmapped as error:
        said = rejected(asked, "unmapped", str(error), basis, now, issuer=who.issuer.issuer, sub_hash=who.sub_hash)
        return said.model_copy(update={"claims": ordered(who.claims)})
    if bad_wish is not None:
        return rejected(
            asked, "malformed_wish", bad_wish, basis, now, issuer=who.issuer.issuer, sub_hash=who.sub_hash, project=project, environment=environment
        )
    return IdentityVerified.about(
        asked,
        at=now,
        issuer=who.issuer.issuer,
        sub_hash=who.sub_hash,
        subject=who.subject,
        project=project,
        environment=environment,
        claims=dict(sorted(who.claims.items())),
        wish=wish,
        token_use=who.token_use,
        subject_box=who.subject_box,
        basis=basis,
    )


def rejected(
    asked: Asked,
    code: RejectionCode,
    message: str,
    basis: Basis,
    now: datetime,
    *,
    issuer: str | None = None,
    sub_hash: str | None = None,
    project: str | None = None,
    environment: str | None = None,
) -> IdentityRejected:
    return IdentityRejected.about(
        asked,
        at=now,
        code=code,
        message=message[:1024],
        unverified_issuer=issuer[:512] if issuer else None,
        sub_hash=sub_hash,
        project=project,
        environment=environment,
        basis=basis,
    )


def place(issuer: Issuer, claims: Mapping[str, Any]) -> tuple[str, str]:
    """Project and environment. Raises Unmapped, which names the claim and never its value."""
    pinned(issuer, claims)
    return word(issuer, "project", issuer.project, claims), word(issuer, "environment", issuer.environment, claims)


def pinned(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    for name, value in issuer.pins.items():
        if claims.get(name) != value:
            raise Unmapped(f"the claim {name} is not what the issuer entry {issuer.name} pins")


def word(issuer: Issuer, what: str, source: Mapped, claims: Mapping[str, Any]) -> str:
    found = source.value if source.claim is None else claims.get(source.claim)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if source.map is not None and isinstance(found, str):
        found = source.map.get(found)
    if not isinstance(found, str) or not 0 < len(found) <= 128 or not found.isprintable():
        raise Unmapped(f"the issuer entry {issuer.name} finds no {what} in this token")
    return found
