"""One-time login links: a ticket is a file named by its hash, and is used by being removed, so that a restart makes none of them good again."""

import hashlib
import os
import secrets
import time
from pathlib import Path

from services.dev.folders import closed

LIFETIME = 3600


def made(folder: Path) -> str:
    """The ticket itself stands nowhere but in the link."""
    ticket = secrets.token_urlsafe(24)
    closed(folder)
    os.close(os.open(folder / digest(ticket), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return ticket


def used(folder: Path, ticket: str) -> bool:
    """Whether it was good. Of two that ask at the same time one hears yes."""
    file = folder / digest(ticket)
    try:
        born = file.stat().st_mtime
        file.unlink()
    except FileNotFoundError:
        return False
    return time.time() - born < LIFETIME


def digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
