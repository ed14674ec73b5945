"""A subject's text is erased, and the log tells that it was: by its digest, which is all that the log ever had."""

from datetime import datetime
from pathlib import Path

from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.canonical import digest
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.database import Connection, prepare
from counterfoil_server.runtime.store.registry_rows import Note
from counterfoil_server.runtime.subjects import sub_hash

HOLDERS = ("verifier", "gateway")
ACTOR = Actor(issuer="urn:counterfoil:ops", sub_hash=digest(b"counterfoil audit erase-subject"), role="ops")


async def erase(db: Connection, hashed: str, now: datetime) -> bool:
    """Row and record in one transaction. False: there was no text of this subject, and nothing is recorded."""
    await prepare(db)
    async with db.transaction():
        if await db.fetchval("DELETE FROM subject WHERE sub_hash = $1 RETURNING sub_hash", hashed) is None:
            return False
        await registry_rows.apply(db, [Note("subject_erased", "subject", hashed)], ACTOR, now)
    return True


def hashed(root: Path, issuer: str, subject: str) -> str:
    """By the key that verifier and gateway share. BadKeyFile where neither's folder has it."""
    file = next((root / role / "subject.key" for role in HOLDERS if (root / role / "subject.key").exists()), root / HOLDERS[0] / "subject.key")
    return sub_hash(key_folder.read(file), issuer, subject)
