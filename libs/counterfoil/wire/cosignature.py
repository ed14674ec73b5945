"""Cosignatures: that a witness has seen a log grow into this head, and into no other, as C2SP tlog-cosignature with Ed25519.

https://c2sp.org/tlog-cosignature
"""

import hashlib
from dataclasses import dataclass
from typing import NoReturn, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from counterfoil.wire.armor import from_b64, to_b64
from counterfoil.wire.broken import Broken
from counterfoil.wire.checkpoint import DASH, Checkpoint
from counterfoil.wire.log_key import KEY_ID, sound_name

COSIGNATURE = b"\x04"
STAMP = 8


class BadCosignature(Broken):
    """bad_cosignature: of that very witness key, and not over this head."""


@dataclass(frozen=True, slots=True)
class WitnessVKey:
    """What a reader knows of a witness: name+key id in hex+base64(0x04 | public key)."""

    name: str
    key_id: bytes
    public: Ed25519PublicKey

    @classmethod
    def parse(cls, text: str) -> Self:
        """ValueError for anything but a cosigner's Ed25519 vkey whose key id is that of its name and key."""
        name, key_id, coded = text.split("+", 2)  # base64 has plus signs of its own
        raw = from_b64(coded)
        if not sound_name(name) or raw[:1] != COSIGNATURE or key_id != cosigner_key_id(name, raw[1:]).hex():
            raise ValueError("malformed vkey")
        return cls(name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:]))

    def signed_at(self, head: Checkpoint) -> int | None:
        """When this witness cosigned the head, in POSIX seconds; None where it did not. Raises BadCosignature."""
        found = [each.signature for each in head.signatures if (each.name, each.key_id) == (self.name, self.key_id)]
        return max((self._stamp(signature, head.body) for signature in found), default=None)

    def line(self, head: Checkpoint) -> str | None:
        """Its own line of the note, to be put under the same head elsewhere. Not checked."""
        found = (each for each in head.signatures if (each.name, each.key_id) == (self.name, self.key_id))
        return next((_line(each.name, each.key_id, each.signature) for each in found), None)

    def _stamp(self, signature: bytes, body: str) -> int:
        at = int.from_bytes(signature[:STAMP])
        try:
            self.public.verify(signature[STAMP:], signed(body, at))
        except InvalidSignature:
            raise BadCosignature("bad_cosignature") from None
        if not 0 < at < 2**63:
            raise BadCosignature("bad_cosignature")
        return at


class WitnessKey:
    """Of one witness and nothing else: what it signs does not say its name, so that no two may share a key."""

    def __init__(self, name: str, private: bytes) -> None:
        if not sound_name(name):
            raise ValueError("a witness's name has no space, no plus and no control character")
        self.name = name
        self.private = Ed25519PrivateKey.from_private_bytes(private)
        public = self.private.public_key().public_bytes_raw()
        self.key_id = cosigner_key_id(name, public)
        self.vkey = f"{name}+{self.key_id.hex()}+{to_b64(COSIGNATURE + public)}"

    @classmethod
    def generate(cls, name: str) -> Self:
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    def private_bytes(self) -> bytes:
        return self.private.private_bytes_raw()

    def cosign(self, body: str, at: int) -> str:
        """A line to be put under the note. `body`: the note's text with its last newline, without any signature."""
        return _line(self.name, self.key_id, at.to_bytes(STAMP) + self.private.sign(signed(body, at)))

    def __repr__(self) -> str:
        return f"WitnessKey({self.name}, {self.key_id.hex()})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a private key is never pickled")


def signed(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def cosigner_key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + COSIGNATURE + public).digest()[:KEY_ID]


def _line(name: str, key_id: bytes, signature: bytes) -> str:
    return f"{DASH}{name} {to_b64(key_id + signature)}\n"
