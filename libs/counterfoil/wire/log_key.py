"""LogKey: the Ed25519 key that signs the log's heads; VKey: its public half as the line of text that clients pin.

https://c2sp.org/signed-note: vkey = name+key id in hex+base64(0x01 | public key)
"""

import hashlib
from dataclasses import dataclass
from typing import ClassVar, NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from counterfoil.wire.armor import from_b64, to_b64

ED25519 = b"\x01"
KEY_ID = 4


@dataclass(frozen=True, slots=True)
class NoteVKey:
    """The public half of whatever signs a note."""

    name: str
    key_id: bytes
    public: Ed25519PublicKey
    kind: ClassVar[bytes]
    """The signature's type, which stands before the key."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """ValueError for anything but a vkey of this kind whose key id is that of its name and key."""
        name, key_id, coded = text.split("+", 2)  # base64 has plus signs of its own
        raw = from_b64(coded)
        if not sound_name(name) or raw[:1] != cls.kind or key_id != note_key_id(name, raw[1:], cls.kind).hex():
            raise ValueError("malformed vkey")
        return cls(name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:]))


@dataclass(frozen=True, slots=True)
class VKey(NoteVKey):
    kind: ClassVar[bytes] = ED25519


class NoteKey:
    """The private half."""

    kind: ClassVar[bytes]

    def __init__(self, name: str, private: bytes) -> None:
        if not sound_name(name):
            raise ValueError("a key's name has no space, no plus and no control character")
        self.name = name
        self.private = Ed25519PrivateKey.from_private_bytes(private)
        public = self.private.public_key().public_bytes_raw()
        self.key_id = note_key_id(name, public, self.kind)
        self.vkey = f"{name}+{self.key_id.hex()}+{to_b64(self.kind + public)}"

    @classmethod
    def generate(cls, name: str) -> Self:
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    def private_bytes(self) -> bytes:
        return self.private.private_bytes_raw()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}, {self.key_id.hex()})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a private key is never pickled")


class LogKey(NoteKey):
    """While a log key is rotated the head carries both signatures: `new.cosign(old.sign(...))`."""

    kind: ClassVar[bytes] = ED25519

    def sign(self, origin: str, size: int, root: bytes) -> str:
        if not origin.isprintable() or not origin:
            raise ValueError("an origin is one line of text")
        body = f"{origin}\n{size}\n{to_b64(root)}\n"
        return f"{body}\n{self._line(body)}"

    def cosign(self, note: str) -> str:
        """The same head with one more signature."""
        return note + self._line(note[: note.rindex("\n\n") + 1])

    def _line(self, body: str) -> str:
        return f"\u2014 {self.name} {to_b64(self.key_id + self.private.sign(body.encode()))}\n"


def note_key_id(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:KEY_ID]


def sound_name(name: str) -> bool:
    return bool(name) and all(letter > " " and letter != "+" and not letter.isspace() for letter in name)
