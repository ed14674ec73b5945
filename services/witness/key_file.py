"""The witness's key: a file of mode 0400 that is made on the first start, and read on every other."""

import os
import secrets
from pathlib import Path

from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.cosignature import WitnessKey
from services.witness.memory import Memory, Unusable, flush

SIZE = 32


def opened(name: str, file: Path, memory: Memory) -> WitnessKey:
    """Key and memory belong together: a new key begins a memory, and an old one has to find its own."""
    if file.exists():
        key = WitnessKey(name, read(file))
        memory.recall(key.vkey)
    else:
        key = WitnessKey(name, secrets.token_bytes(SIZE))
        memory.begin(key.vkey)
        write(file, key.private_bytes())
    return key


def read(file: Path) -> bytes:
    """Never says what is in it."""
    try:
        mode = file.stat().st_mode & 0o777
        raw = from_url(file.read_bytes().strip())
    except (OSError, ValueError) as error:
        raise Unusable(f"the key in {file} cannot be read ({type(error).__name__})") from None
    if mode & 0o377:
        raise Unusable(f"{file} may be read by its owner only: chmod 0400 (it is {mode:04o})")
    if len(raw) != SIZE:
        raise Unusable(f"{file} does not hold {SIZE} bytes")
    return raw


def write(file: Path, raw: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as out:
        out.write(to_url(raw) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    flush(file.parent)
