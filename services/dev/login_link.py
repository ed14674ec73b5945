"""Another one-time login link for the console that `make up` runs: `python -m services.dev.login_link`."""

import argparse
import os
import sys
from pathlib import Path

from services.dev import tickets
from services.dev.jars import ROOT
from services.dev.ports import HOST
from services.dev.settings import Settings

FOLDER = "tickets"


def link(folder: Path, console_port: int) -> str:
    return f"http://{HOST}:{console_port}/login/once?ticket={tickets.made(folder / FOLDER)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=lambda text: Path(text).absolute(), default=ROOT / ".counterfoil", help="that of make up")
    folder = parser.parse_args().folder
    if not (folder / "run").is_dir():
        sys.stderr.write(f"ERROR: nothing has run in {folder}\n  What to do: make up; or name the folder that it runs in: --folder\n")
        return 1
    sys.stdout.write(f"{link(folder, Settings.read(os.environ).ports['console-http'])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
