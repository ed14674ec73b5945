"""The registry's tables, rebuilt from the changes in the log."""

from counterfoil.contracts.base import JsonObject
from counterfoil_server.replay.history import History
from counterfoil_server.runtime.snapshot import dumped
from counterfoil_server.runtime.store.database import Connection

HEAD = "SELECT revision FROM registry_head"
ENTRIES = "SELECT kind, name, entry FROM registry_entry"
PENDING = """SELECT revision, entry_kind, name, relayed_at IS NULL OR relayed_at > clock_timestamp() - interval '60 seconds' AS young
    FROM registry_change WHERE revision > $1 ORDER BY revision"""


async def compare(history: History, db: Connection) -> tuple[JsonObject, list[str]]:
    """What the log was not told of yet is counted, and what it concerns is left out."""
    snapshot = history.at(history.last)
    head, rows, later = await db.fetchval(HEAD), await db.fetch(ENTRIES), await db.fetch(PENDING, history.last)
    told = {(entry.kind, entry.name): dumped(entry) for entry in snapshot.entries}
    there = {(row["kind"], row["name"]): row["entry"] for row in rows}
    moving = {(row["entry_kind"], row["name"]) for row in later}
    found = [f"the log was never told of the registry's change {row['revision']}" for row in later if not row["young"]]
    found += [f"the log knows the registry's change {one} twice" for one in sorted(history.forks)]
    if head < history.last:
        found.append(f"the registry is at revision {head}, and the log knows of {history.last}")
    for kind, name in sorted((told.keys() | there.keys()) - moving):
        if (kind, name) not in there:
            found.append(f"{kind} {name} is in the log, and not in the registry")
        elif (kind, name) not in told:
            found.append(f"{kind} {name} is in the registry, and no leaf put it there")
        elif told[kind, name] != there[kind, name]:
            found.append(f"{kind} {name} is not as the log has it")
    return {"revision": head, "told": history.last, "entries": len(there), "pending": len(later)}, found
