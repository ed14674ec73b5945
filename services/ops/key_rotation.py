"""A new key beside the old: known to all before it is used, and the old one good for as long as something of it is still to be read."""

from datetime import datetime, timedelta
from pathlib import Path

from counterfoil.contracts import TOPICS
from counterfoil.contracts.base import JsonObject
from counterfoil_server.runtime.store import locks, registry_rows
from counterfoil_server.runtime.store.database import Connection, prepare
from counterfoil_server.runtime.store.registry_rows import Note
from services.ops.key_chest import ACTOR, Fresh, make, needed, publish

AHEAD = timedelta(seconds=90)
LEAST_AHEAD = timedelta(seconds=60)
"""Every process reads folder and rows again within this."""
MARGIN = timedelta(hours=1)
IN_FLIGHT = timedelta(hours=24)
PINNED = timedelta(days=30)
"""Who pinned the old log key has this long to pin the new one: checkpoints carry both signatures meanwhile."""
CURRENT = "SELECT kid, name FROM service_key WHERE role = $1 AND use = $2 AND not_after IS NULL ORDER BY not_before"
COLUMNS = "kid, role, use, name, not_before, not_after"


class NotRotated(ValueError):
    """Says why, and nothing was changed."""


async def rotate(db: Connection, root: Path, role: str, use: str, now: datetime, ahead: timedelta = AHEAD) -> Fresh:
    if ahead < LEAST_AHEAD:
        raise NotRotated(f"a new key has to be known {LEAST_AHEAD.seconds} s before it is used")
    if (role, use) not in set(needed()):
        raise NotRotated(f"{role} has no key to {use} with")
    await prepare(db)
    async with db.transaction():
        await locks.registry(db)
        old = await db.fetch(CURRENT, role, use)
        if not old:
            raise NotRotated(f"{role} has no key to {use} with yet: run keys init")
        fresh, not_before = make(role, use, old[-1]["name"] or ""), now + ahead
        await publish(db, root, [fresh], now, not_before=not_before)
        if (kept := keep(role, use)) is not None:
            for row in old:
                await retire(db, row["kid"], role, use, now, not_before + kept)
    return fresh


def keep(role: str, use: str) -> timedelta | None:
    """How long after its successor came. None: without end.

    What was sealed to mint, revoke and audit lies in tables: root secrets, second seals, subjects. Their old keys open it as long as it lies there.
    """
    if use == "sign":
        return max(topic.keep for topic in TOPICS if topic.signed and role in topic.written_by) + MARGIN
    if use == "log":
        return PINNED
    return IN_FLIGHT if role == "verifier" else None


async def retire(db: Connection, kid: str, role: str, use: str, now: datetime, not_after: datetime) -> None:
    await db.execute("UPDATE service_key SET not_after = $2 WHERE kid = $1", kid, not_after)
    await registry_rows.apply(db, [Note("key_retired", "key", kid, {"role": role, "use": use, "not_after": not_after.isoformat()})], ACTOR, now)


async def listed(db: Connection, root: Path | None, now: datetime) -> list[JsonObject]:
    """Every key, what it is for now, and, where the folders are here, whether its private half is."""
    rows = await db.fetch(f"SELECT {COLUMNS} FROM service_key ORDER BY role, use, not_before")  # noqa: S608 - no input stands in it
    shown: list[JsonObject] = []
    for row in rows:
        after = row["not_after"]
        at = {name: row[name].isoformat(timespec="seconds") if row[name] else None for name in ("not_before", "not_after")}
        state = "coming" if row["not_before"] > now else "ended" if after and after <= now else "retiring" if after else "valid"
        here = None if root is None else (root / row["role"] / f"{row['use']}-{row['kid']}.key").exists()
        shown.append({"kid": row["kid"], "role": row["role"], "use": row["use"], "state": state, **at, "name": row["name"], "file": here})
    return shown
