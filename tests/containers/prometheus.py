"""The real Prometheus and its promtool, out of Debian's package: nothing is installed, and nobody has to be root."""

import shutil
import subprocess
from pathlib import Path

import pytest

from services.dev.folders import closed
from services.dev.jars import cache_folder
from tests.containers.programs import needed


def program(name: str) -> Path:
    """That of the machine, if there is one; else that of the package, which is unpacked once. Skips where it cannot be had."""
    if found := shutil.which(name):
        return Path(found)
    folder = closed(cache_folder() / "debian")
    if not (folder / "usr" / "bin" / name).exists():
        done = subprocess.run([needed("apt-get"), "download", "prometheus"], cwd=folder, capture_output=True, text=True, check=False)
        packages = sorted(folder.glob("prometheus_*.deb"))
        if done.returncode != 0 or not packages:
            pytest.skip(f"{name} is not on this machine, and Debian's package cannot be fetched: apt-get install --no-install-recommends prometheus")
        subprocess.run([needed("dpkg-deb"), "-x", str(packages[-1]), str(folder)], check=True)
    return folder / "usr" / "bin" / name
