"""A small disk of its own for PostgreSQL, which can be filled to its last byte: a loop device, else memory, else a reason why there is none."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
SIZE = 384 * MIB
BALLAST = "ballast"


class NoDisk(RuntimeError):
    """Says why."""


@dataclass(frozen=True)
class Disk:
    folder: Path
    kind: str

    def fill(self) -> int:
        """Up to what root may have. How many bytes that took."""
        file = self.folder / BALLAST
        with file.open("ab", buffering=0) as ballast:
            for size in (MIB, 4096, 1):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError:
                    continue
        return file.stat().st_size

    def free(self) -> None:
        (self.folder / BALLAST).unlink(missing_ok=True)


@contextmanager
def small(folder: Path, image: Path, size: int = SIZE) -> Iterator[Disk]:
    """Raises NoDisk."""
    if os.geteuid() != 0:
        raise NoDisk("only root may mount one")
    folder.mkdir(mode=0o700)
    kind = _mounted(folder, image, size)
    try:
        folder.chmod(0o700)
        yield Disk(folder, kind)
    finally:
        _called("umount", "--lazy", str(folder))
        image.unlink(missing_ok=True)


def _mounted(folder: Path, image: Path, size: int) -> str:
    with image.open("wb") as file:
        file.truncate(size)
    why = _called("mkfs.ext4", "-q", "-m", "0", str(image)) or _called("mount", "-o", "loop", str(image), str(folder))
    if not why:
        (folder / "lost+found").rmdir()
        return "ext4 on a loop device"
    if why_not := _called("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)):
        raise NoDisk(f"neither a loop device ({why}) nor a tmpfs ({why_not}) could be mounted")
    return "tmpfs"


def _called(*argv: str) -> str:
    """Empty where that was well."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""
