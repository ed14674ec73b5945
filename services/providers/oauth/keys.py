"""Private keys of clients, read once each: whether their numbers fit each other is tried then, and that takes tens of milliseconds."""

import asyncio
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from counterfoil.wire.lru import Lru
from counterfoil.wire.secret import Secret
from services.providers.seam import Refused

Key = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
SMALLEST = 2048


class Keys:
    def __init__(self) -> None:
        self._held: Lru[bytes, Key] = Lru(64)

    async def of(self, pem: Secret) -> Key:
        digest = sha256(pem.reveal()).digest()
        key = self._held.get(digest)
        if key is None:
            key = await asyncio.to_thread(private_key, pem)
            self._held.put(digest, key)
        return key


def private_key(pem: Secret) -> Key:
    try:
        key = load_pem_private_key(pem.reveal(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size >= SMALLEST):
        return key
    raise Refused("bad_key", "the root secret is no private key (PEM, RSA of 2048 bits or more, EC or Ed25519)")
