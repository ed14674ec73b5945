"""Cosignatures: that a witness has seen a log grow into this head, and into no other, as C2SP tlog-cosignature with Ed25519.

https://c2sp.org/tlog-cosignature
"""

from dataclasses import dataclass
from typing import ClassVar

from cryptography.exceptions import InvalidSignature

from counterfoil.wire.armor import to_b64
from counterfoil.wire.broken import Broken
from counterfoil.wire.checkpoint import DASH, Checkpoint
from counterfoil.wire.log_key import NoteKey, NoteVKey

COSIGNATURE = b"\x04"
STAMP = 8


class BadCosignature(Broken):
    """bad_cosignature: of that very witness key, and not over this head."""


@dataclass(frozen=True, slots=True)
class WitnessVKey(NoteVKey):
    """What a reader knows of a witness: name+key id in hex+base64(0x04 | public key)."""

    kind: ClassVar[bytes] = COSIGNATURE

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


class WitnessKey(NoteKey):
    """Of one witness and nothing else: what it signs does not say its name, so that no two may share a key."""

    kind: ClassVar[bytes] = COSIGNATURE

    def cosign(self, body: str, at: int) -> str:
        """A line to be put under the note. `body`: the note's text with its last newline, without any signature."""
        return _line(self.name, self.key_id, at.to_bytes(STAMP) + self.private.sign(signed(body, at)))


def signed(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def _line(name: str, key_id: bytes, signature: bytes) -> str:
    return f"{DASH}{name} {to_b64(key_id + signature)}\n"
