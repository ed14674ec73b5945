"""Sealing: one HPKE encapsulation per recipient and minute wraps a data key; AES-256-GCM does the messages.

box   = 0x01 | recipient's key id (8) | wrap (80) | nonce (12) | AES-256-GCM(length (4) | plain | zeros to 256)
wrap  = HPKE base mode, X25519 / HKDF-SHA256 / AES-128-GCM (RFC 9180), of the data key
associated data of a message = everything before its nonce | info
"""

import os
import time
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from counterfoil.wire.broken import Broken
from counterfoil.wire.lru import Lru
from counterfoil.wire.opening_key import KID, OpeningKey, UnusableKey, key_id, usable_key
from counterfoil.wire.secret import Secret

__all__ = ["Opener", "OpeningKey", "Sealer", "Unsealable", "UnusableKey", "usable_key"]

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
WRAP_INFO = b"counterfoil/wrap/v1"
VERSION = b"\x01"
WRAP, NONCE, TAG, LENGTH, BUCKET = 80, 12, 16, 4, 256
HEAD = len(VERSION) + KID + WRAP
MINUTE = 60.0
MOST = 2**20
KEEP = 180.0  # a wrap is sealed with for a minute and a request lives for one more: after three nobody needs its data key


class Unsealable(Broken):
    """malformed, unknown_key or wrong_seal."""


class _Wrap:
    """The data key of one recipient and minute."""

    __slots__ = ("born", "cipher", "head", "left")

    def __init__(self, to: bytes, now: float) -> None:
        data_key = AESGCM.generate_key(256)
        self.cipher = AESGCM(data_key)
        self.head = VERSION + key_id(to) + _encapsulated(data_key, to)
        self.born = now
        self.left = MOST


class Sealer:
    def __init__(self, clock: Callable[[], float] = time.monotonic, cache: int = 4096) -> None:
        self._clock = clock
        self._wraps: Lru[bytes, _Wrap] = Lru(cache)

    def seal(self, plain: bytes | Secret, to: bytes, info: bytes, now: float | None = None) -> bytes:
        wrap = self._wrap(to, self._clock() if now is None else now)
        nonce = os.urandom(NONCE)
        bare = plain.reveal() if isinstance(plain, Secret) else plain
        return wrap.head + nonce + wrap.cipher.encrypt(nonce, _padded(bare), wrap.head + info)

    def _wrap(self, to: bytes, now: float) -> _Wrap:
        wrap = self._wraps.get(to)
        if wrap is None or not 0 <= now - wrap.born < MINUTE or not wrap.left:
            wrap = _Wrap(to, now)
            self._wraps.put(to, wrap)
        wrap.left -= 1
        return wrap


class Opener:
    def __init__(self, keys: Iterable[OpeningKey] = (), cache: int = 4096, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = {bytes.fromhex(key.kid): key for key in keys}
        self._ciphers: Lru[bytes, tuple[AESGCM, float]] = Lru(cache)
        self._clock = clock

    def add(self, key: OpeningKey) -> None:
        self._keys[bytes.fromhex(key.kid)] = key

    def forget(self, kid: str) -> None:
        """With its data keys: what was sealed to this key can never be opened here again."""
        gone = bytes.fromhex(kid)
        self._keys.pop(gone, None)
        self._ciphers.drop_where(lambda head, _: _recipient(head) == gone)

    def open(self, box: bytes, info: bytes) -> Secret:
        if len(box) < HEAD + NONCE + BUCKET + TAG or (len(box) - HEAD - NONCE - TAG) % BUCKET or box[:1] != VERSION:
            raise Unsealable("malformed")
        head = box[:HEAD]
        known = self._ciphers.get(head)
        cipher = known[0] if known else self._unwrap(head)
        try:
            padded = cipher.decrypt(box[HEAD : HEAD + NONCE], box[HEAD + NONCE :], head + info)
        except InvalidTag:
            raise Unsealable("wrong_seal") from None
        return Secret(_bare(padded))

    def _unwrap(self, head: bytes) -> AESGCM:
        key = self._keys.get(_recipient(head))
        if key is None:
            raise Unsealable("unknown_key")
        try:
            cipher = AESGCM(SUITE.decrypt(head[-WRAP:], key.private, info=WRAP_INFO))
        except (InvalidTag, ValueError):
            raise Unsealable("wrong_seal") from None
        now = self._clock()
        self._ciphers.drop_while(lambda entry: now - entry[1] > KEEP)
        self._ciphers.put(head, (cipher, now))
        return cipher


def _encapsulated(data_key: bytes, to: bytes) -> bytes:
    try:
        return SUITE.encrypt(data_key, X25519PublicKey.from_public_bytes(to), info=WRAP_INFO)
    except ValueError:
        raise UnusableKey("unusable public key") from None


def _recipient(head: bytes) -> bytes:
    return head[1 : 1 + KID]


def _padded(plain: bytes) -> bytes:
    return len(plain).to_bytes(LENGTH) + plain + b"\x00" * (-(LENGTH + len(plain)) % BUCKET)


def _bare(padded: bytes) -> bytes:
    """Only the one padding that `_padded` makes: a sender shall have no second spelling of a message."""
    plain = padded[LENGTH : LENGTH + int.from_bytes(padded[:LENGTH])]
    if _padded(plain) != padded:
        raise Unsealable("malformed")
    return plain
