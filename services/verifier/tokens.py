"""From a sealed token to proven claims: seal, issuer, keys, gate. Everything here can wait for an issuer, nothing here decides."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from counterfoil.contracts.exchange_requested import LARGEST_TOKEN
from counterfoil.contracts.exchange_verified import Basis, TokenUse
from counterfoil.contracts.registry import Issuer
from counterfoil.wire import binding
from counterfoil.wire.armor import to_url
from counterfoil.wire.canonical import NotCanonical, canonical, digest
from counterfoil.wire.sealing import Unsealable
from counterfoil.wire.secret import Secret
from counterfoil_server.domain import identity
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.subjects import sub_hash
from counterfoil_server.runtime.tokens.entry_hash import entry_hash
from counterfoil_server.runtime.tokens.gate import verified
from counterfoil_server.runtime.tokens.jwks import Jwks, Unavailable
from counterfoil_server.runtime.tokens.rejected import Rejected
from counterfoil_server.runtime.tokens.shape import Unverified, shape
from counterfoil_server.runtime.tokens.signatures import Signatures

LARGEST_CLAIMS = 16 * 1024


class Unproven(Exception):
    """What goes into IdentityRejected, with as much of the basis as was reached."""

    def __init__(self, code: str, message: str, basis: Basis, issuer: str | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.basis, self.issuer = code, message, basis, issuer


class Tokens:
    """Proves tokens. Keeps verified signatures and parsed keys, never a token."""

    def __init__(self, keys: KeyRing, registry: Registry, jwks: Jwks, audience: str) -> None:
        self._keys, self._registry, self._jwks, self._audience = keys, registry, jwks, audience
        self._signatures = Signatures()
        self._hashes: dict[str, tuple[Issuer, str]] = {}
        self._subject_key = keys.shared("subject")

    async def prove(self, sealed: bytes | None, request_hash: str, now: datetime) -> tuple[identity.Proven, Basis]:
        """Raises Unproven."""
        snapshot = self._registry.snapshot
        basis = Basis(registry_revision=snapshot.revision)
        token = await self._opened(sealed, request_hash, basis)
        try:
            unverified = shape(token.reveal())
        except Rejected as error:
            raise Unproven(error.code, error.message, basis) from None
        issuer = snapshot.issuers.get(unverified.unverified_issuer)
        if issuer is None:  # and no network call
            raise Unproven("unknown_issuer", "this issuer is not in the registry", basis, unverified.unverified_issuer)
        return await self._gate(unverified, issuer, basis, now)

    async def _opened(self, sealed: bytes | None, request_hash: str, basis: Basis) -> Secret:
        if sealed is None:
            raise Unproven("malformed", "the record has no sealed-token header", basis)
        try:
            token = await self._open(sealed, request_hash)
        except Unsealable as error:
            code = "unknown_key" if error.code == "unknown_key" else "unsealable"
            raise Unproven(code, "the token is not sealed to a key of this verifier, or not bound to this request", basis) from None
        if len(token.reveal()) > LARGEST_TOKEN:
            raise Unproven("oversized", "a token has at most 16 KiB", basis)
        return token

    async def _open(self, sealed: bytes, request_hash: str) -> Secret:
        try:
            return self._keys.opener.open(sealed, binding.token(request_hash))
        except Unsealable as error:
            if error.code != "unknown_key" or not await self._keys.again():
                raise
        return self._keys.opener.open(sealed, binding.token(request_hash))

    async def _gate(self, unverified: Unverified, issuer: Issuer, basis: Basis, now: datetime) -> tuple[identity.Proven, Basis]:
        basis = basis.model_copy(update={"issuer_entry": issuer.name, "issuer_hash": self._hash(issuer)})
        try:
            kid = unverified.header.get("kid")
            keys = await self._jwks.keys(issuer, None if kid is None else str(kid))
            basis = basis.model_copy(update={"jwks_thumbprint": keys.thumbprint})
            claims = verified(unverified, issuer, keys, self._audience, now, self._signatures)
            return self._proven(unverified, issuer, claims), basis
        except Unavailable:
            raise Unproven("issuer_unavailable", "the issuer's keys cannot be had now", basis, issuer.issuer) from None
        except Rejected as error:
            # `unknown_key` is kept for our own sealing key, after which a caller asks again: an issuer's unknown kid is no reason to
            code = "bad_key" if error.code == "unknown_key" else error.code
            raise Unproven(code, error.message, basis, issuer.issuer) from None

    def _hash(self, issuer: Issuer) -> str:
        """Once per entry: a new snapshot brings new objects."""
        known = self._hashes.get(issuer.name)
        if known is None or known[0] is not issuer:
            known = self._hashes[issuer.name] = (issuer, entry_hash(issuer))
        return known[1]

    def _proven(self, unverified: Unverified, issuer: Issuer, claims: Mapping[str, Any]) -> identity.Proven:
        read = identity.chosen(issuer, claims)
        try:
            size = len(canonical(read))
        except NotCanonical:
            raise Rejected("bad_claims", "a claim that the rule reads is a fraction or a number beyond 2^53") from None
        if size > LARGEST_CLAIMS:
            raise Rejected("oversized", "the claims that the rule reads have more than 16 KiB")
        sub = str(claims["sub"])
        hashed = sub_hash(self._subject_key, issuer.issuer, sub)
        box = self._keys.sealer.seal(Secret(json.dumps({"iss": issuer.issuer, "sub": sub})), self._keys.recipient("audit"), binding.subject(hashed))
        return identity.Proven(issuer, read, hashed, sub if issuer.subject == "workload" else None, to_url(box).decode(), use(unverified, issuer))


def use(unverified: Unverified, issuer: Issuer) -> TokenUse | None:
    """Never the token's bytes: an ECDSA signature has two spellings."""
    if not issuer.single_use:
        return None
    claims = unverified.unverified_claims
    jti = claims.get("jti")
    what = str(jti).encode() if isinstance(jti, str) and jti else hashlib.sha256(unverified.signing_input).digest()
    return TokenUse(digest=digest(issuer.issuer.encode() + b"\x00" + what), expires=int(float(str(claims["exp"]))) + 60)
