"""What a user waits for: the import of the package, the first word of the command, a credential on the terminal. Each in a process of its own."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from statistics import median

import httpx

from services.dev import seed
from services.dev.bench.figures import Figure
from services.dev.bench.sizes import Sizes
from services.dev.bench.stand import Stand
from services.dev.trouble import Say, Trouble

IMPORT = "import time; began = time.perf_counter(); from counterfoil import App, Client, User; print(time.perf_counter() - began)"
COMMAND = ("-m", "counterfoil.cli.main")


async def commands(stand: Stand, sizes: Sizes, say: Say) -> list[Figure]:
    say("Import, --help, get")
    async with httpx.AsyncClient(trust_env=False) as http:
        asked = {"project": "web", "environment": "production", "audience": stand.plan.url}
        token = (await http.get(f"{stand.plan.issuer}/id-token", params=asked)).raise_for_status().text
    environ = {**os.environ, "COUNTERFOIL_URL": stand.plan.url, "COUNTERFOIL_ID_TOKEN": token, "NO_COLOR": "1"}
    runs: dict[str, list[float]] = {"bare": [], "import": [], "help": [], "get": []}
    for _ in range(sizes.commands):  # by turns, so that a busy moment is everybody's
        runs["bare"].append((await run(["-c", "pass"], environ))[0])
        runs["import"].append(float((await run(["-c", IMPORT], environ))[1]) * 1000)
        runs["help"].append((await run([*COMMAND, "--help"], environ))[0])
        runs["get"].append((await run([*COMMAND, "get", seed.CONNECTOR, "--scope", "read", "--lifetime", "60s"], environ))[0])
    return [
        Figure("floor: a Python that does nothing", median(runs["bare"]), "ms", runs=runs["bare"]),
        Figure("import of App, Client and User", median(runs["import"]), "ms", most=150, runs=runs["import"]),
        Figure("counterfoil --help", median(runs["help"]), "ms", most=200, runs=runs["help"]),
        Figure("counterfoil get, from the shell and back", median(runs["get"]), "ms", runs=runs["get"]),
    ]


async def run(arguments: Sequence[str], environ: dict[str, str]) -> tuple[float, bytes]:
    """Milliseconds, and what it printed."""
    began = time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, complained = await child.communicate()
    taken = (time.perf_counter() - began) * 1000
    if child.returncode:
        raise Trouble(f"{' '.join(arguments)} ended with {child.returncode}: {complained.decode(errors='replace')[-300:]}", "mend it, then measure.")
    return taken, printed
