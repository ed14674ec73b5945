"""A real PostgreSQL 18 as a child process: its own initdb and postgres from the wheel, never the wheel's get_server.

The superuser has no password and no way in by TCP: it comes by a socket in a folder of mode 0700, so only whoever may read the data
anyway. Everyone else proves a password (SCRAM), as in production; with the wheel's `trust` a revoked password would still work.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from services.dev import pids
from services.dev.child import Child
from services.dev.children import Children
from services.dev.ports import HOST, need_free
from services.dev.postgres_socket import socket_folder
from services.dev.postgres_user import Runner, runner
from services.dev.spawn import Command
from services.dev.trouble import Say

SUPERUSER = "postgres"
ACCESS = f"""\
# Written anew at every start.
local all {SUPERUSER} trust
host  all {SUPERUSER} all reject
local all all scram-sha-256
host  all all {HOST}/32 scram-sha-256
"""
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement may hold a secret; the log names the error and keeps the statement to itself.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server."""

    port: int
    data: Path
    socket: Path
    child: Child

    def dsn(self, user: str, database: str, password: str | None = None) -> str:
        """By TCP, where a password is asked."""
        who = quote(user, safe="") + (f":{quote(password, safe='')}" if password is not None else "")
        return f"postgresql://{who}@{HOST}:{self.port}/{quote(database, safe='')}"

    @property
    def superuser_dsn(self) -> str:
        """By the socket, which only our own user can reach."""
        return superuser_dsn(self.socket, self.port)


def superuser_dsn(socket: Path, port: int, database: str = "postgres") -> str:
    return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(socket), safe='/')}&port={port}"


async def start(children: Children, port: int, say: Say, how: Runner | None = None) -> Postgres:
    """Start it on the data of the last run, and wait until it answers."""
    need_free(port, "PostgreSQL", "COUNTERFOIL_POSTGRES_PORT")
    how = how or runner(children.folder / "postgres")
    data = how.folder(".") / "data"
    if not data.exists():
        say("Making PostgreSQL's data folder")
        await _make(children, how, data)
    (data / "pg_hba.conf").write_text(ACCESS)
    forget_a_stranger(data)
    socket = socket_folder(how, port)
    settings = {**SETTINGS, "port": str(port), "unix_socket_directories": str(socket)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    argv = how.call("postgres", "-D", str(data), *options)

    async def ready() -> bool:
        return await _answers(superuser_dsn(socket, port))

    return Postgres(port, data, socket, await children.start(_command("postgres", how, argv), ready))


async def _make(children: Children, how: Runner, data: Path) -> None:
    """Into a draft, then renamed: a run that is killed here leaves no half of a cluster."""
    draft = how.folder("draft")
    how_to = ("--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    await children.finish(_command("initdb", how, how.call("initdb", "-D", str(draft), "-U", SUPERUSER, *how_to)))
    draft.rename(data)


def _command(name: str, how: Runner, argv: tuple[str, ...]) -> Command:
    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    return Command(
        name,
        argv,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        cwd=how.home,
        uid=how.uid,
        stop=signal.SIGINT,
        orphan=signal.SIGINT,
    )


def forget_a_stranger(data: Path) -> None:
    """After a SIGKILL the lock file names a pid that may be another program's by now; PostgreSQL would refuse to start because of it."""
    lock = data / "postmaster.pid"
    if lock.exists():
        pid = int(lock.read_text().split("\n", 1)[0])
        if pids.born(pid) is not None and str(data) not in pids.command_line(pid):
            lock.unlink()


async def _answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    await connection.close()
    return True
