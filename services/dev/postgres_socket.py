"""Where PostgreSQL's socket lies: in a folder that only its owner can enter, on a path short enough for the kernel."""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from services.dev.postgres_user import Runner
from services.dev.trouble import Trouble

LONGEST = 103 if sys.platform == "darwin" else 107


def socket_folder(how: Runner, port: int) -> Path:
    """Beside the data, or, where that path is too long for a socket, in a short folder of our own."""
    folder = how.folder("socket")
    if _fits(folder, port):
        return folder
    name = f"counterfoil-{os.geteuid()}-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 -- the folder is checked to be ours alone
        if _fits(base / name, port):
            return ours_alone(base / name)
    raise Trouble(f"no path is short enough for PostgreSQL's socket ({folder})", "set TMPDIR to a short path, such as /tmp.")


def _fits(folder: Path, port: int) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{port}")) <= LONGEST


def ours_alone(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if folder.is_symlink() or seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
        raise Trouble(f"{folder} belongs to somebody else, or is open to others", "set TMPDIR to a folder of your own.")
    return folder
