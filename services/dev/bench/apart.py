"""A folder and children of a bench's own, and a place where root's PostgreSQL lives if it cannot live below a folder of root's."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.dev.children import Children


@asynccontextmanager
async def children(folder: Path | None = None) -> AsyncIterator[Children]:
    """`folder`: one that stays, with all that is in it."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as name, tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        apart = folder / "apart" if folder else Path(made)
        apart.mkdir(exist_ok=True)
        apart.chmod(0o755)
        os.environ["COUNTERFOIL_APART"] = str(apart)
        async with Children(folder or Path(name)) as found:
            yield found
