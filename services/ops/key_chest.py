"""Every key that the services need: made as files, one folder per role, and published as `service_key` rows. Each row is a registry change."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from counterfoil.contracts.base import JsonObject
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.armor import to_url
from counterfoil.wire.canonical import digest
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.signing import SigningKey
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store import locks, registry_rows
from counterfoil_server.runtime.store.database import Connection, prepare
from counterfoil_server.runtime.store.registry_rows import Note

SIGNERS = ("gateway", "verifier", "policy", "mint", "revoke", "audit", "revoker")
OPENERS = ("verifier", "mint", "revoke", "audit")
SHARED = {"subject": ("verifier", "gateway"), "lookup": ("mint", "gateway")}
KEK_HOLDERS = ("mint", "revoke")
ACTOR = Actor(issuer="urn:counterfoil:ops", sub_hash=digest(b"counterfoil keys"), role="ops")
"""Whoever holds the role `ops` and the key folders: the command asks for no token."""


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

    def shown(self, not_before: datetime) -> JsonObject:
        public = self.public.decode() if self.use == "log" else to_url(self.public).decode()
        return {"role": self.role, "use": self.use, "public": public, "name": self.name, "not_before": not_before.isoformat(), "not_after": None}


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
    """Make what is missing. A key whose row is there is left alone; running it again makes nothing. Valid at once: nobody works with it yet."""
    await prepare(db)
    shared_files(root)
    async with db.transaction():
        await locks.registry(db)
        have = {(row["role"], row["use"]) for row in await db.fetch("SELECT role, use FROM service_key")}
        fresh = [make(role, use, origin) for role, use in needed() if (role, use) not in have]
        await publish(db, root, fresh, now, not_before=now)
    return fresh


async def publish(db: Connection, root: Path, fresh: Sequence[Fresh], now: datetime, *, not_before: datetime) -> None:
    """The file first: a row without its file would be a key that nobody can use. A file without its row is one that nobody asks for."""
    for key in fresh:
        key_folder.write(root / key.role / f"{key.use}-{key.kid}.key", key.private)
        await db.execute(
            "INSERT INTO service_key (kid, role, use, public, name, not_before) VALUES ($1, $2, $3, $4, $5, $6)",
            key.kid, key.role, key.use, key.public, key.name, not_before,
        )  # fmt: skip
    await registry_rows.apply(db, [Note("key_added", "key", key.kid, key.shown(not_before)) for key in fresh], ACTOR, now)


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
