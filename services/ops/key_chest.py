"""Every key that the services need: made as files, one folder per role, and published as `service_key` rows. Each row is a registry change."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from counterfoil.wire.log_key import LogKey
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.signing import SigningKey
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store.database import Connection

SIGNERS = ("gateway", "verifier", "policy", "mint", "revoke", "audit", "revoker")
OPENERS = ("verifier", "mint", "revoke", "audit")
SHARED = {"subject": ("verifier", "gateway"), "lookup": ("mint", "gateway")}
KEK_HOLDERS = ("mint", "revoke")


@dataclass(frozen=True)
class Fresh:
    """A new key. `public` is what everyone may see."""

    kid: str
    role: str
    use: str
    public: bytes
    private: bytes
    name: str | None = None

    def __repr__(self) -> str:
        return f"Fresh({self.use}-{self.kid} of {self.role})"


def make(role: str, use: str, origin: str) -> Fresh:
    if use == "sign":
        signing = SigningKey.generate(role)
        return Fresh(signing.kid, role, use, signing.public, signing.private_bytes())
    if use == "open":
        opening = OpeningKey.generate()
        return Fresh(opening.kid, role, use, opening.public, opening.private_bytes())
    log = LogKey.generate(origin)
    return Fresh(log.vkey.split("+")[1], role, use, log.vkey.encode(), log.private_bytes(), origin)


def needed() -> Iterable[tuple[str, str]]:
    yield from ((role, "sign") for role in SIGNERS)
    yield from ((role, "open") for role in OPENERS)
    yield "audit", "log"


async def init(db: Connection, root: Path, now: datetime, *, origin: str) -> list[Fresh]:
    """Make what is missing. A key whose row is there is left alone; running it again makes nothing."""
    shared_files(root)
    have = {(row["role"], row["use"]) for row in await db.fetch("SELECT role, use FROM service_key")}
    fresh = [make(role, use, origin) for role, use in needed() if (role, use) not in have]
    for key in fresh:
        await publish(db, root, key, now)
    return fresh


async def publish(db: Connection, root: Path, key: Fresh, not_before: datetime) -> None:
    """The file first: a row without its file would be a key that nobody can use."""
    key_folder.write(root / key.role / f"{key.use}-{key.kid}.key", key.private)
    await db.execute(
        "INSERT INTO service_key (kid, role, use, public, name, not_before) VALUES ($1, $2, $3, $4, $5, $6)",
        key.kid, key.role, key.use, key.public, key.name, not_before,
    )  # fmt: skip


def shared_files(root: Path) -> None:
    """Symmetric keys that two roles hold: never rotated, since digests are compared over years."""
    for name, holders in SHARED.items():
        put_all(root, holders, f"{name}.key")
    if not list((root / KEK_HOLDERS[0]).glob("kek-*.key")):
        put_all(root, KEK_HOLDERS, "kek-1.key")


def put_all(root: Path, holders: tuple[str, ...], file: str) -> None:
    known = next((root / role / file for role in holders if (root / role / file).exists()), None)
    raw = key_folder.read(known).reveal() if known else os.urandom(key_folder.SIZE)
    for role in holders:
        if not (root / role / file).exists():
            key_folder.write(root / role / file, raw)
