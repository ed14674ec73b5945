"""Deciding again, from what a decision recorded: the same rules, under the clock of then. Nothing here knows a token, a key or a provider."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved, GrantDenied, Grounds
from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, IdentityVerified
from counterfoil.contracts.registry import Issuer, Mapped
from counterfoil_server.domain import grants, identity, wishes
from counterfoil_server.domain.known import Book, look_up
from counterfoil_server.domain.vocabulary import Ask

SCHEMA = int(Basis.model_fields["schema_version"].default)
"""Of the decisions that this code makes."""
AGAIN = frozenset({"late", "bad_deadline", "registry_unavailable"})
"""The rejections that are wholly in what they recorded."""
NO_EVIDENCE = Evidence(value="", signature="")
"""A decision carries it on and reads nothing of it; a leaf has it by its hash."""


def identified(fact: IdentityVerified, issuer: Issuer, issuer_hash: str) -> IdentityVerified | IdentityRejected:
    """`issuer`: the entry of then. `fact.asked` has what is read of the wish, as it was read just now. Claims that no rule reads were never read."""
    asked, basis = fact.asked, Basis(registry_revision=fact.basis.registry_revision)
    if no := identity.unproven(asked, basis, fact.at, fresh=True):
        return no
    who = identity.Proven(
        issuer=issuer,
        claims=readable(issuer, fact.claims),
        sub_hash=fact.sub_hash,
        subject=(fact.subject or "") if issuer.subject == "workload" else None,
        subject_box=fact.subject_box,
        token_use=fact.token_use if issuer.single_use else None,
    )
    return identity.decide(asked, who, fact.wish, fault(fact.wish), gated(fact, issuer, issuer_hash), fact.at)


def readable(issuer: Issuer, claims: Mapping[str, Any]) -> dict[str, Any]:
    read = identity.reads(issuer)
    return {name: value for name, value in claims.items() if name in read}


def gated(fact: IdentityVerified | IdentityRejected, issuer: Issuer, issuer_hash: str) -> Basis:
    """Of a token that was good. The keys that it was good under are an input."""
    known = fact.basis
    return Basis(registry_revision=known.registry_revision, issuer_entry=issuer.name, issuer_hash=issuer_hash, jwks_thumbprint=known.jwks_thumbprint)


def fault(wish: object) -> str | None:
    try:
        wishes.read(wish)
    except wishes.BadWish as error:
        return str(error)
    return None


def rejected(fact: IdentityRejected) -> IdentityRejected | None:
    """Of AGAIN. None: this code would have gone on and asked for the token."""
    basis = Basis(registry_revision=fact.basis.registry_revision)
    return identity.unproven(fact.asked, basis, fact.at, fresh=fact.code != "registry_unavailable")


def unplaced(fact: IdentityRejected, issuer: Issuer, issuer_hash: str) -> IdentityRejected | None:
    """Of `unmapped`, from its claims. None: this code would not reject it, or not for that. The wish, which was not looked at, is not recorded."""
    basis = Basis(registry_revision=fact.basis.registry_revision)
    if fact.claims is None or identity.unproven(fact.asked, basis, fact.at, fresh=True):
        return None
    who = identity.Proven(issuer, readable(issuer, fact.claims), fact.sub_hash or "", None, "", None)
    again = identity.decide(fact.asked, who, {}, None, gated(fact, issuer, issuer_hash), fact.at)
    return again if isinstance(again, IdentityRejected) else None


def authorized(who: IdentityVerified, book: Book, ask: Ask, now: datetime, *, fresh: bool) -> GrantApproved | GrantDenied:
    """`fresh`: whether the registry could be confirmed, which the decision recorded."""
    if not fresh:
        return grants.unavailable(who, grants.Known(Grounds(registry_revision=book.revision), NO_EVIDENCE), now)
    return grants.decide(who, look_up(book, who, NO_EVIDENCE), ask, now)


def unmapped(issuer: Issuer) -> Iterator[str]:
    """All that this entry's rule can say of a token it cannot place: what a rejection can be held against that recorded no claims."""
    for name, value in issuer.pins.items():
        yield from said(issuer.model_copy(update={"pins": {name: value}}), None, "")
    for what, source in (("project", issuer.project), ("environment", issuer.environment)):
        yield from said(issuer, source, what)


def said(issuer: Issuer, source: Mapped | None, what: str) -> Iterator[str]:
    try:
        if source is None:
            identity.pinned(issuer, {})
        else:
            identity.word(issuer, what, source, {})
    except identity.Unmapped as error:
        yield str(error)
