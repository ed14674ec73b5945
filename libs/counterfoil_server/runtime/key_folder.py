"""Private keys: one file per key, 0400, in a folder per role that the role's replicas share.

`<use>-<kid>.key` with use `sign` (Ed25519), `open` (X25519), `log` (Ed25519), `kek` (AES-256); `subject.key` and `lookup.key` are HMAC keys.
Each holds 32 bytes as base64url.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

from counterfoil.wire.secret import Secret

SIZE = 32


class BadKeyFile(RuntimeError):
    """Names the file and what is wrong with it, never what is in it."""


def read(file: Path) -> Secret:
    try:
        mode = file.stat().st_mode & 0o777
        if mode & 0o377:
            raise BadKeyFile(f"{file} may be read by its owner only: chmod 0400 (it is {mode:04o})")
        raw = base64.urlsafe_b64decode(file.read_text().strip() + "=")
    except (OSError, ValueError) as error:
        raise BadKeyFile(f"{file}: {type(error).__name__}") from None
    if len(raw) != SIZE:
        raise BadKeyFile(f"{file} does not hold {SIZE} bytes")
    return Secret(raw)


def write(file: Path, raw: bytes) -> None:
    """Never over a key that is there."""
    for folder in (file.parent.parent, file.parent):  # `parents` would leave those above open
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as out:
        out.write(base64.urlsafe_b64encode(raw).rstrip(b"=") + b"\n")


def each(folder: Path, use: str) -> Iterator[tuple[str, Secret]]:
    """(kid, key) of every file of this use."""
    for file in sorted(folder.glob(f"{use}-*.key")):
        yield file.stem.removeprefix(f"{use}-"), read(file)
