"""What a writer of an older version left undone: roots of full tiles, and what its leaves are about. Made before this one appends."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from counterfoil.wire.merkle import TILE, root
from counterfoil.wire.tiles import WIDTH, BadTile
from counterfoil_server.runtime.store.tiles import Tiles
from services.audit.log import LogStopped
from services.audit.rows import Head
from services.audit.writer import Writer

log = logging.getLogger("counterfoil.audit")
CHUNK = 8
"""Tiles at a time, so that memory does not grow with the log. Each chunk is true by itself: whoever is interrupted goes on after the last one."""
LEVELS = range(1, 8)

MADE = "SELECT coalesce(max(idx) + 1, 0) AS made FROM audit_tile WHERE level = $1"
BELOW = "SELECT hash FROM audit_tile WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx"
LEAVES = "SELECT idx, leaf_hash AS hash, bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx"
MAKE = """
    WITH tile AS (
        INSERT INTO audit_tile (level, idx, hash) SELECT $1, $2::bigint + place - 1, hash FROM unnest($3::bytea[]) WITH ORDINALITY AS new(hash, place)
    )
    INSERT INTO audit_about (id, idx) SELECT id, $4::bigint + place - 1 FROM unnest($5::uuid[]) WITH ORDINALITY AS new(id, place) WHERE id IS NOT NULL
    ON CONFLICT DO NOTHING
"""


async def complete(writer: Writer, head: Head) -> None:
    """The last tile is not full, so nothing says whether its leaves have been looked at: they are, every time."""
    size = head.edge.size
    for level in LEVELS:
        made, full = await _made(writer, level), size >> TILE * level
        if full > made:
            log.info("making tiles", extra={"count": full - made})
        below = size if level == 1 else full * WIDTH
        for first in range(made * WIDTH, below, CHUNK * WIDTH):
            await _make(writer, level, first, min(first + CHUNK * WIDTH, below))
    await _vet(writer, head)


async def _made(writer: Writer, level: int) -> int:
    found: int = (await writer.fetch(MADE, level))[0]["made"]
    return found


async def _make(writer: Writer, level: int, first: int, end: int) -> None:
    """Of the nodes from `first` to `end`. Leaves are parsed here: PostgreSQL's text has no NUL, and a claim may have an escaped one."""
    rows = await (writer.fetch(LEAVES, first, end) if level == 1 else writer.fetch(BELOW, level - 1, first, end))
    hashes = [row["hash"] for row in rows]
    roots = [root(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - len(hashes) % WIDTH, WIDTH)]
    about = [_about(json.loads(row["bytes"])["fact"]) for row in rows] if level == 1 else []
    await writer.fetch(MAKE, level, first // WIDTH, roots, first, about)


def _about(fact: Mapping[str, Any]) -> str | None:
    """As `Entry.about` has it of the fact itself."""
    named = fact.get("asked", {}).get("request_id"), fact.get("predicate", {}).get("credential_id"), fact.get("credential_id")
    return next((one for one in named if one), None)


async def _vet(writer: Writer, head: Head) -> None:
    """Proofs are made of tiles, and checked against the head: one that does not hold would be noticed by others first."""
    try:
        found = await Tiles(writer).root(head.edge.size)
    except BadTile:
        found = b""
    if found != head.edge.root():
        raise LogStopped("the tiles are not those of the head: proofs made of them would not hold")
