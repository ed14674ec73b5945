"""Deciding again, from what a decision recorded: the same rules, under the clock of then. Nothing here knows a token, a key or a provider."""

from collections.abc import Iterator
from datetime import datetime

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
    read = identity.reads(issuer)
    who = identity.Proven(
        issuer=issuer,
        claims={name: value for name, value in fact.claims.items() if name in read},
        sub_hash=fact.sub_hash,
        subject=(fact.subject or "") if issuer.subject == "workload" else None,
        subject_box=fact.subject_box,
        token_use=fact.token_use if issuer.single_use else None,
    )
    basis = Basis(
        registry_revision=fact.basis.registry_revision, issuer_entry=issuer.name, issuer_hash=issuer_hash, jwks_thumbprint=fact.basis.jwks_thumbprint
    )
    return identity.decide(asked, who, fact.wish, fault(fact.wish), basis, fact.at)


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


def authorized(who: IdentityVerified, book: Book, ask: Ask, now: datetime, *, fresh: bool) -> GrantApproved | GrantDenied:
    """`fresh`: whether the registry could be confirmed, which the decision recorded."""
    if not fresh:
        return grants.unavailable(who, grants.Known(Grounds(registry_revision=book.revision), NO_EVIDENCE), now)
    return grants.decide(who, look_up(book, who, NO_EVIDENCE), ask, now)


def unmapped(issuer: Issuer) -> Iterator[str]:
    """All that this entry's rule can say of a token it cannot place. The claims of one that was rejected are not recorded."""
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
