"""A run with one child, for the tests that kill runs: `python keeps_a_child.py FOLDER`."""

import sys
from pathlib import Path

from services.dev.children import Children
from services.dev.running import run
from services.dev.spawn import Command


async def ready() -> bool:
    return True


async def keep(folder: Path) -> None:
    async with Children(folder) as children:
        await children.start(Command("sleeper", ("sleep", "600"), env={"PATH": "/usr/bin:/bin"}), ready)
        print("kept", flush=True)  # noqa: T201 -- the test waits for it
        await children.died()


if __name__ == "__main__":
    sys.exit(run(keep(Path(sys.argv[1]))))
