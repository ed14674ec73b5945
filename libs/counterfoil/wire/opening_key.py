"""OpeningKey: the X25519 key that boxes are sealed to, its name, and whether a stranger's public key can be used at all."""

import hashlib
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

KID = 8
PROBE = X25519PrivateKey.from_private_bytes(b"\x42" * 32)  # keeps nothing secret: it only asks whether a public key can be used


class UnusableKey(ValueError):
    """No X25519 public key, or one with which every exchange gives zero."""


class OpeningKey:
    """An X25519 private key. Its kid is derived from the public half, so it can be neither chosen nor mistaken."""

    def __init__(self, private: X25519PrivateKey) -> None:
        self.private = private
        self.public: bytes = private.public_key().public_bytes_raw()
        self.kid: str = key_id(self.public).hex()

    @classmethod
    def generate(cls) -> Self:
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        return cls(X25519PrivateKey.from_private_bytes(raw))

    def private_bytes(self) -> bytes:
        return self.private.private_bytes_raw()

    def __repr__(self) -> str:
        return f"OpeningKey({self.kid})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a private key is never pickled")


def key_id(public: bytes) -> bytes:
    return hashlib.sha256(public).digest()[:KID]


def usable_key(public: bytes) -> bool:
    """A trial exchange: the all-zero point and the others of low order give zero with every key, and fail it."""
    try:
        PROBE.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return False
    return True
