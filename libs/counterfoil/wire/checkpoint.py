"""Checkpoints: signed heads of a log, as C2SP tlog-checkpoint on C2SP signed-note, with Ed25519.

https://c2sp.org/tlog-checkpoint  https://c2sp.org/signed-note
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature

from counterfoil.wire.armor import decimal, from_b64
from counterfoil.wire.broken import Broken
from counterfoil.wire.log_key import KEY_ID, LogKey, VKey, sound_name
from counterfoil.wire.merkle import HASH

__all__ = ["BadCheckpoint", "Checkpoint", "LogKey", "NoteSignature", "check", "parse"]

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
DASH = "\u2014 "
HEAD_LINES = 3
MOST_SIGNATURES = 32
LONGEST = 1 << 17  # sixteen post-quantum cosignatures of witnesses fit


class BadCheckpoint(Broken):
    """malformed_checkpoint, unknown_key, bad_signature, wrong_origin, or malformed_key for a vkey of our own."""


@dataclass(frozen=True, slots=True)
class NoteSignature:
    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes
    body: str
    signatures: tuple[NoteSignature, ...]


def parse(note: str) -> Checkpoint:
    """Shape only. Nothing in it is to be believed before `check`."""
    if len(note) > LONGEST or CONTROL.search(note):
        raise BadCheckpoint("malformed_checkpoint")
    text, gap, block = note.rpartition("\n\n")
    lines = text.split("\n")
    if not gap or not block.endswith("\n") or len(lines) < HEAD_LINES or not all(lines):  # extension lines are allowed, empty ones are not
        raise BadCheckpoint("malformed_checkpoint")
    signed = block[:-1].split("\n")
    if len(signed) > MOST_SIGNATURES:
        raise BadCheckpoint("malformed_checkpoint")
    try:
        size, root = decimal(lines[1]), from_b64(lines[2])
        signatures = tuple(_signature(line) for line in signed)
        text.encode()  # a lone surrogate is no text
    except ValueError:
        raise BadCheckpoint("malformed_checkpoint") from None
    if len(root) != HASH:
        raise BadCheckpoint("malformed_checkpoint")
    return Checkpoint(lines[0], size, root, text + "\n", signatures)


def check(note: str, vkeys: Collection[str], origin: str | None = None) -> Checkpoint:
    """At least one good signature of a known key, none bad of a known key; signatures of unknown keys are ignored.

    The origin must be the one named, or without one the name of a key that signed: keys of two logs may be pinned side by side,
    and neither may speak for the other.
    """
    checkpoint = parse(note)
    known = _known(vkeys)
    names = {each.name for each in checkpoint.signatures if _good(known.get((each.name, each.key_id)), each, checkpoint.body)}
    if not names:
        raise BadCheckpoint("unknown_key")
    if checkpoint.origin != origin if origin is not None else checkpoint.origin not in names:
        raise BadCheckpoint("wrong_origin")
    return checkpoint


def _good(key: VKey | None, signature: NoteSignature, body: str) -> bool:
    if key is None:
        return False
    try:
        key.public.verify(signature.signature, body.encode())
    except InvalidSignature:
        raise BadCheckpoint("bad_signature") from None
    return True


def _known(vkeys: Collection[str]) -> dict[tuple[str, bytes], VKey]:
    try:
        keys = [VKey.parse(vkey) for vkey in vkeys]
    except ValueError:
        raise BadCheckpoint("malformed_key") from None
    return {(key.name, key.key_id): key for key in keys}


def _signature(line: str) -> NoteSignature:
    name, _, coded = line.removeprefix(DASH).partition(" ")
    raw = from_b64(coded)
    if not line.startswith(DASH) or not sound_name(name) or len(raw) <= KEY_ID:
        raise ValueError("malformed signature line")
    return NoteSignature(name, raw[:KEY_ID], raw[KEY_ID:])
