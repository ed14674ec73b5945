"""SigningKey: the Ed25519 key of one role; PublicKey: what a reader knows of it."""

import hashlib
from dataclasses import dataclass
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KID = 16


@dataclass(frozen=True)
class PublicKey:
    kid: str
    role: str
    public: bytes
    not_before: float
    not_after: float | None = None


class SigningKey:
    def __init__(self, private: Ed25519PrivateKey, role: str) -> None:
        self.private = private
        self.role = role
        self.public: bytes = private.public_key().public_bytes_raw()
        self.kid: str = hashlib.sha256(self.public).hexdigest()[:KID]

    @classmethod
    def generate(cls, role: str) -> Self:
        return cls(Ed25519PrivateKey.generate(), role)

    @classmethod
    def from_bytes(cls, raw: bytes, role: str) -> Self:
        return cls(Ed25519PrivateKey.from_private_bytes(raw), role)

    def private_bytes(self) -> bytes:
        return self.private.private_bytes_raw()

    def __repr__(self) -> str:
        return f"SigningKey({self.role}, {self.kid})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a private key is never pickled")
