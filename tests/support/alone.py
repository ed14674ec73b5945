"""A process with nothing but its own group's packages and its own folder: what the image of that service holds, laid out in seconds.

`view` links every file of every distribution that the group's lock names, and no other; the interpreter is the one beneath the virtual environment,
started without `site`, so that its path is that view, the libraries, one service, and the standard library.
"""

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PYTHON = str(getattr(sys, "_base_executable", sys.executable))
LIBRARIES = ("counterfoil", "counterfoil_server")


def locked(group: str) -> Iterator[Distribution]:
    """What the lock would install here, in exactly its version."""
    for line in (ROOT / "requirements" / f"{group}.txt").read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            wanted = Requirement(line.removesuffix("\\"))
            if wanted.marker is None or wanted.marker.evaluate():
                found = distribution(wanted.name)
                assert wanted.specifier.contains(found.version, prereleases=True), f"{wanted} is locked, {found.version} is here"
                yield found


def view(folder: Path, group: str) -> Path:
    """Namespace packages are shared by several distributions, so it is files that are linked, never folders; compiled ones too, to start as fast."""
    for found in locked(group):
        for file in found.files or ():
            if file.parts[0] != ".." and Path(str(found.locate_file(file))).exists():
                link = folder / file
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(Path(str(found.locate_file(file))))
    return folder


def less(folder: Path, whole: Path, name: str) -> Path:
    """A view without one of its distributions."""
    gone = {file.parts[0] for file in distribution(name).files or ()}
    for entry in whole.iterdir():
        if entry.name not in gone:
            (folder / entry.name).symlink_to(entry)
    return folder


def tree(folder: Path, *services: str) -> Path:
    """Both libraries, and these folders of `services`."""
    (folder / "services").mkdir(parents=True)
    for name in LIBRARIES:
        (folder / name).symlink_to(ROOT / "libs" / name)
    for name in services:
        (folder / "services" / name).symlink_to(ROOT / "services" / name)
    return folder


def environment(packages: Path, source: Path) -> Mapping[str, str]:
    return {"PYTHONPATH": f"{source}:{packages}", "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def command(*module: str) -> tuple[str, ...]:
    return (PYTHON, "-S", "-s", "-m", *module)
