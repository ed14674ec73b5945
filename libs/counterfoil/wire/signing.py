"""Batch signatures: one Ed25519 signature covers a published batch, and each fact carries its own path to what was signed.

signed = for each of "counterfoil/batch/v1", role, topic: length (2) | bytes; then size (8) | root (32) of the RFC 6962 tree over the facts
header = kid.size.index.path.signature, the last two in base64url
"""

import re
from collections.abc import Callable, Collection, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.broken import Broken
from counterfoil.wire.lru import Lru
from counterfoil.wire.merkle import HASH, BadPath, Edge, leaf_hash, root_from_path
from counterfoil.wire.signing_key import PublicKey, SigningKey

__all__ = ["BadSignature", "Checker", "PublicKey", "Signer", "SigningKey", "signed_bytes"]

DOMAIN = b"counterfoil/batch/v1"
HEADER = re.compile(rb"([0-9a-f]{16})\.([1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.([\w-]*)\.([\w-]{86})")
LONGEST = 2048  # kid, two numbers, 32 levels of path and a signature fit


class BadSignature(Broken):
    """unsigned, malformed_signature, unknown_key, key_not_valid, wrong_role or bad_signature."""


class Signer:
    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def sign(self, topic: str, values: Sequence[bytes]) -> list[bytes]:
        """One header value per fact, in the order of the facts."""
        batch, paths = Edge().append([leaf_hash(value) for value in values])
        if not paths:
            return []
        seal = to_url(self._key.private.sign(signed_bytes(self._key.role, topic, batch.size, batch.root())))
        start = f"{self._key.kid}.{batch.size}.".encode()
        return [b"%b%d.%b.%b" % (start, index, to_url(b"".join(path)), seal) for index, path in enumerate(paths)]


class Checker:
    """Checks role and signature. Remembers good batches, so that the facts of one cost one Ed25519 check between them."""

    def __init__(self, lookup: Callable[[str], PublicKey | None], cache: int = 4096) -> None:
        self._lookup = lookup
        self._good: Lru[tuple[bytes, bytes, bytes], bool] = Lru(cache)

    def check(self, topic: str, value: bytes, header: bytes | None, roles: Collection[str], now: float) -> str:
        """The role that wrote this fact. `roles` are those that may write the topic: any other fails before any maths."""
        if header is None:
            raise BadSignature("unsigned")
        shape = HEADER.fullmatch(header) if len(header) <= LONGEST else None
        if shape is None:
            raise BadSignature("malformed_signature")
        kid, size, index, path, signature = shape.groups()
        key = self._writer(kid.decode(), roles, now)
        root = _root(value, int(index), int(size), path)
        self._check_batch(key, signed_bytes(key.role, topic, int(size), root), signature)
        return key.role

    def _writer(self, kid: str, roles: Collection[str], now: float) -> PublicKey:
        key = self._lookup(kid)
        if key is None:
            raise BadSignature("unknown_key")
        if key.role not in roles:
            raise BadSignature("wrong_role")
        if now < key.not_before or (key.not_after is not None and now >= key.not_after):
            raise BadSignature("key_not_valid")
        return key

    def _check_batch(self, key: PublicKey, signed: bytes, signature: bytes) -> None:
        """Remembered by its text: a second spelling of a good signature is not known, and fails to be read."""
        batch = (key.public, signed, signature)  # the key itself, not its kid: a row that changed must not be believed by memory
        if self._good.get(batch):
            return
        raw = _bytes(signature)
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(raw, signed)
        except (InvalidSignature, ValueError):
            raise BadSignature("bad_signature") from None
        self._good.put(batch, value=True)


def signed_bytes(role: str, topic: str, size: int, root: bytes) -> bytes:
    parts = (DOMAIN, role.encode(), topic.encode())
    return b"".join(len(part).to_bytes(2) + part for part in parts) + size.to_bytes(8) + root


def _root(value: bytes, index: int, size: int, path: bytes) -> bytes:
    steps = _bytes(path)
    try:
        return root_from_path(index, size, leaf_hash(value), [steps[at : at + HASH] for at in range(0, len(steps), HASH)])
    except BadPath:
        raise BadSignature("malformed_signature") from None


def _bytes(text: bytes) -> bytes:
    try:
        return from_url(text)
    except ValueError:
        raise BadSignature("malformed_signature") from None
