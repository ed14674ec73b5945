"""Private keys of clients, read once each: whether their numbers fit each other is tried then, and that takes tens of milliseconds."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Generic, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from counterfoil.wire.lru import Lru
from counterfoil.wire.secret import Secret

Key = TypeVar("Key")
SMALLEST = 2048


class Keys(Generic[Key]):
    """`read` raises Refused for what is no key of the right kind."""

    def __init__(self, read: Callable[[Secret], Key]) -> None:
        self._read = read
        self._held: Lru[bytes, Key] = Lru(64)

    async def of(self, pem: Secret) -> Key:
        digest = sha256(pem.reveal()).digest()
        key = self._held.get(digest)
        if key is None:
            key = await asyncio.to_thread(self._read, pem)
            self._held.put(digest, key)
        return key


def from_pem(pem: Secret) -> object:
    """None where it is no private key, or an RSA key that is too short."""
    try:
        key = load_pem_private_key(pem.reveal(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return None if isinstance(key, RSAPrivateKey) and key.key_size < SMALLEST else key
