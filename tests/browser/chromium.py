"""Chromium for make test-browser: the one that is here, else Debian's where it may be installed, else a word about what is missing.

python -m tests.browser.chromium
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core")
MISSING = "Chromium is not here: install it (apt-get install chromium), or name one as COUNTERFOIL_TEST_CHROMIUM; the tests in a browser are skipped"


def found() -> str | None:
    """Its path."""
    return os.environ.get("COUNTERFOIL_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def installed() -> bool:
    """Only root may, and only where there is apt. A list of packages that is too old is fetched anew, once."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}

    def ran(*command: str) -> bool:
        return subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

    return ran(*INSTALL) or (ran("apt-get", "update") and ran(*INSTALL))


def main() -> None:
    if found() is None:
        sys.stdout.write("Setting up Chromium (once; half a minute)\n")
        installed()
    sys.stdout.write(f"{found() or MISSING}\n")


if __name__ == "__main__":
    main()
