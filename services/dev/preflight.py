"""What this machine must have, asked before anything is fetched or started. Needs nothing but Python: `make` runs it before set-up."""

import importlib.util
import platform
import shutil
import sys
from pathlib import Path

from services.dev.trouble import Trouble

OLDEST = (3, 11)
TESTED = {("linux", "x86_64"), ("linux", "aarch64")}
NEEDED = 2 * 2**30
OWN_SERVERS = "set COUNTERFOIL_KAFKA and COUNTERFOIL_POSTGRES to servers of your own"


def python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """The language of the code, and what makes a virtual environment."""
    if version < OLDEST:
        fix = "install a newer Python, then name it: make PYTHON=python3.12 up"
        raise Trouble(f"this is Python {version[0]}.{version[1]}, Counterfoil needs 3.11 or newer", fix)
    if importlib.util.find_spec("ensurepip") is None:
        raise Trouble("this Python cannot make virtual environments (no ensurepip)", "install it; on Debian and Ubuntu: apt install python3-venv")


def machine(system: str = sys.platform, kind: str = platform.machine(), libc: str = platform.libc_ver()[0]) -> str | None:
    """Where no wheel can run is an error; where nobody tried is a warning."""
    if system == "win32":
        raise Trouble("Windows has no fork, and the embedded Kafka and PostgreSQL were never started there", "use Linux, in WSL 2 for example.")
    if system == "linux" and libc != "glibc":
        raise Trouble("this Linux has no glibc (musl?); the wheels of Java and PostgreSQL need it", "use a glibc system, such as Debian or Fedora.")
    if (system, kind) in TESTED:
        return None
    return f"untested platform: {system} on {kind} (tested: Linux on x86_64 and aarch64). If a part does not start: {OWN_SERVERS}."


def disk(folder: Path, needed: int = NEEDED) -> None:
    """Kafka and PostgreSQL stop hard where the disk is full, so we say it before."""
    there = next(path for path in (folder, *folder.parents) if path.exists())  # the first run makes it
    free = shutil.disk_usage(there).free
    if free < needed:
        what = f"only {free / 2**30:.1f} GB are free on the disk of {folder}; {needed / 2**30:.0f} GB are needed"
        raise Trouble(what, "free some, or put the checkout on a larger disk.")


def check(folder: Path) -> list[str]:
    """Raise what cannot work; return what might not."""
    python()
    warning = machine()
    disk(folder)
    return [warning] if warning else []


def main() -> int:
    try:
        warnings = check(Path.cwd())
    except Trouble as trouble:
        sys.stderr.write(f"ERROR: {trouble}\n")
        return 1
    for warning in warnings:
        sys.stderr.write(f"WARNING: {warning}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
