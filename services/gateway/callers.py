"""Who calls: the bearer token of whoever revokes or operates, through the same gate as everybody's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from counterfoil.contracts.exchange_requested import LARGEST_TOKEN
from counterfoil.contracts.registry import Issuer, Operator
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.secret import Secret
from counterfoil_server.domain import identity
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.subjects import sub_hash
from counterfoil_server.runtime.tokens.gate import verified
from counterfoil_server.runtime.tokens.jwks import Jwks, Unavailable
from counterfoil_server.runtime.tokens.keyset import KeySet
from counterfoil_server.runtime.tokens.rejected import Rejected
from counterfoil_server.runtime.tokens.shape import Unverified, shape
from counterfoil_server.runtime.tokens.signatures import Signatures
from services.gateway.problems import Problem


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified identity. An operator need not belong to a project."""

    issuer: str
    sub_hash: str
    subject: str = field(repr=False)
    project: str | None
    environment: str | None
    operator: Operator | None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Those that the issuer entry's rule reads, and no others."""

    def lives_in(self, project: str, environment: str) -> bool:
        return self.project is not None and (project, environment) == (self.project, self.environment)

    @property
    def role(self) -> str | None:
        return self.operator.role if self.operator else None

    @property
    def actor(self) -> Actor:
        return Actor(issuer=self.issuer, sub_hash=self.sub_hash, role=self.role or "app")


class Callers:
    """`console`: the client id of the console, for which its operators' tokens are made. None: such a token is nobody's here."""

    def __init__(self, registry: Registry, jwks: Jwks, audience: str, subject_key: Secret, now: Clock, console: str | None = None) -> None:
        self._registry, self._jwks, self._audience, self._subject_key, self._now = registry, jwks, audience, subject_key, now
        self._console, self._signatures, self._of_console = console, Signatures(), Signatures()

    async def caller(self, request: Request) -> Caller:
        """Raises Problem."""
        try:
            return await self._proven(request)
        except Problem as no:
            no.of_caller = True
            raise

    async def _proven(self, request: Request) -> Caller:
        """An issuer that is not in the registry causes no network call."""
        if not self._registry.fresh():
            raise Problem("registry_unavailable", "the registry could not be confirmed for ten seconds")
        try:
            unverified = shape(bearer(request))
            issuer = self._registry.snapshot.issuers.get(unverified.unverified_issuer)
            if issuer is None:
                raise Problem("unknown_issuer", "this issuer is not in the registry")
            kid = unverified.header.get("kid")
            keys = await self._jwks.keys(issuer, None if kid is None else str(kid))
            claims = self._verified(unverified, issuer, keys)
        except Rejected as no:
            raise Problem(no.code, no.message, stage="verify") from None
        except Unavailable:
            raise Problem("issuer_unavailable", "the issuer's keys cannot be had now", stage="verify") from None
        return self._placed(issuer, claims)

    def _verified(self, unverified: Unverified, issuer: Issuer, keys: KeySet) -> dict[str, Any]:
        """A token of the console counts for who is an operator, and as long as it lives: the console keeps it for as long as they are signed in."""
        if self._console and self._from_console(unverified, issuer):
            entry = issuer.model_copy(update={"audience": self._console, "max_age": issuer.max_lifetime})
            return verified(unverified, entry, keys, self._console, self._now(), self._of_console)
        return verified(unverified, issuer, keys, self._audience, self._now(), self._signatures)

    def _from_console(self, unverified: Unverified, issuer: Issuer) -> bool:
        said = unverified.unverified_claims
        operator = (issuer.issuer, str(said.get("sub"))) in self._registry.snapshot.operators
        return operator and said.get("aud") in (self._console, [self._console])

    def _placed(self, issuer: Issuer, claims: dict[str, Any]) -> Caller:
        subject = str(claims["sub"])
        operator = self._registry.snapshot.operators.get((issuer.issuer, subject))
        read = identity.chosen(issuer, claims)
        project, environment = place(issuer, read, needed=operator is None)
        return Caller(issuer.issuer, self.hashed(issuer.issuer, subject), subject, project, environment, operator, read)

    def hashed(self, issuer: str, subject: str) -> str:
        return sub_hash(self._subject_key, issuer, subject)


def place(issuer: Issuer, claims: dict[str, Any], *, needed: bool) -> tuple[str | None, str | None]:
    """Pins hold for operators too: they say which of a shared issuer's tokens are anyone's here."""
    try:
        identity.pinned(issuer, claims)
    except identity.Unmapped as no:
        raise Problem("unmapped", str(no), stage="verify") from None
    try:
        return identity.place(issuer, claims)
    except identity.Unmapped as no:
        if needed:
            raise Problem("unmapped", str(no), stage="verify") from None
        return None, None


def bearer(request: Request) -> bytes:
    """RFC 6750 section 2.1: the header, once, and nowhere else."""
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("unauthenticated", "send one Authorization header: Bearer, and an OIDC token for this installation's audience")
    if len(token) > LARGEST_TOKEN:
        raise Problem("oversized", f"a token has at most {LARGEST_TOKEN} bytes", stage="verify")
    return token.strip().encode("latin-1", "replace")
