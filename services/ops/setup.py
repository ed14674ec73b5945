"""What has to be there before any service starts: topics, tables, each role's way in, keys. Run again, it makes what is missing.

It holds the database owner's and the topic maker's way in, and every key folder: it ends before the first service starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import asyncpg

from counterfoil.contracts import TOPICS
from counterfoil.wire import kafka_topics
from counterfoil.wire.kafka import Connection
from counterfoil.wire.log_key import sound_name
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.settings import BadSetting, connection, database, from_file, needed, whole
from counterfoil_server.runtime.starting import needing
from services.ops import key_chest
from services.ops.database import ROLES, made_ready, user


@dataclass(frozen=True)
class Wanted:
    kafka: Connection
    owner: Secret
    passwords: Mapping[str, Secret]
    keys: Path
    origin: str
    partitions: int
    replication: int

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        folder = Path(needed(env, "COUNTERFOIL_ROLES", "the folder with one file per role, database_<role>, that holds its DSN"))
        origin = needed(env, "COUNTERFOIL_ORIGIN", "the audit log's name, for ever")
        if not sound_name(origin):
            raise BadSetting("COUNTERFOIL_ORIGIN is a host's name, or a name like it: without spaces and without a plus")
        return cls(
            kafka=connection(env),
            owner=database(env),
            passwords={role: password(folder / f"database_{role}", role) for role in ROLES},
            keys=Path(needed(env, "COUNTERFOIL_KEYS_ROOT", "the folder that holds one folder of keys per role")),
            origin=origin,
            partitions=whole(env, "COUNTERFOIL_PARTITIONS", 4),
            replication=whole(env, "COUNTERFOIL_REPLICATION", 1),
        )


def password(file: Path, role: str) -> Secret:
    """Of the very DSN that the role's process is given, so that there is one place where it stands."""
    try:
        parts = urlsplit(from_file(file, "COUNTERFOIL_ROLES"))
        who, found = parts.username, unquote(parts.password or "")
    except ValueError as error:
        if isinstance(error, BadSetting):
            raise
        who, found = None, ""
    if who != user(role) or not found:
        raise BadSetting(f"{file.name} in the folder of COUNTERFOIL_ROLES is no DSN of {user(role)} with a password")
    return Secret(found)


async def make(wanted: Wanted) -> Mapping[str, int]:
    """How many of each were made."""
    with needing(f"Kafka at {wanted.kafka.servers}", "COUNTERFOIL_KAFKA"):
        topics = await kafka_topics.create(wanted.kafka, TOPICS, wanted.partitions, wanted.replication)
    with needing("the database", "COUNTERFOIL_DATABASE"):
        db = await asyncpg.connect(wanted.owner.text(), timeout=30)
    try:
        migrations = await made_ready(db, wanted.passwords)
        keys = await key_chest.init(db, wanted.keys, datetime.now(UTC), origin=wanted.origin)
    finally:
        await db.close()
    return {"topics": len(topics), "migrations": len(migrations), "keys": len(keys)}
