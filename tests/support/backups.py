"""PostgreSQL's own programs, as an operator calls them: dumps, base backups, and WAL that is streamed elsewhere."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.dev.postgres import SUPERUSER, Postgres
from services.dev.postgres_user import bin_dir


def way(server: Postgres) -> tuple[str, ...]:
    """By the socket, as the superuser."""
    return (f"--host={server.socket}", f"--port={server.port}", f"--username={SUPERUSER}", "--no-password")


async def called(program: str, *arguments: str, given: bytes = b"") -> bytes:
    """What it wrote. It has to be a success."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        str(bin_dir() / program), *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}
    )
    out, err = await process.communicate(given)
    assert process.returncode == 0, err.decode()
    return out


async def dumped(server: Postgres, database: str, file: Path) -> bytes:
    """The database into a file; our roles with their passwords, as SQL."""
    await called("pg_dump", *way(server), "--format=custom", f"--file={file}", database)
    roles = await called("pg_dumpall", *way(server), "--roles-only")
    return b"".join(line for line in roles.splitlines(keepends=True) if b" counterfoil_" in line)


async def restored(server: Postgres, file: Path, roles: bytes) -> None:
    """Into a server that has nothing of it yet. One error, and it is none."""
    await called("psql", *way(server), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "postgres", given=roles)
    await called("pg_restore", *way(server), "--create", "--exit-on-error", "--dbname=postgres", str(file))


@asynccontextmanager
async def streamed(server: Postgres, folder: Path) -> AsyncIterator[None]:
    """Each commit waits until its WAL lies in this folder, too."""
    await called("psql", *way(server), "--command=SELECT pg_create_physical_replication_slot('elsewhere')", "postgres")
    process = await asyncio.create_subprocess_exec(
        str(bin_dir() / "pg_receivewal"), *way(server), "--slot=elsewhere", "--synchronous", f"--directory={folder}",
        env={"PATH": os.environ["PATH"], "PGAPPNAME": "elsewhere"},
    )  # fmt: skip
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
