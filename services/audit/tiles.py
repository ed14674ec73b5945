"""What a writer of an older version left undone: roots of full tiles, and what its leaves are about. Made before this one appends."""

import logging
from collections.abc import Iterator

from counterfoil.wire.merkle import HASH, TILE, root
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
TILE_ROOTS = (
    "INSERT INTO audit_tile (level, idx, hash) SELECT $1, $2::bigint + place - 1, hash FROM unnest($3::bytea[]) WITH ORDINALITY AS new(hash, place)"
)
# json, not jsonb: that would refuse a leaf in which some string has an escaped NUL. With the tiles of these leaves in one statement.
LEAF_TILES = f"""
    WITH tile AS ({TILE_ROOTS})
    INSERT INTO audit_about (id, idx)
    SELECT btrim(named.id::text, '"')::uuid, idx FROM audit_leaf, LATERAL (SELECT convert_from(bytes, 'UTF8')::json -> 'fact' AS fact) AS said,
        LATERAL (VALUES (fact #> '{{asked,request_id}}'), (fact -> 'credential_id'), (fact #> '{{predicate,credential_id}}')) AS named(id)
    WHERE idx >= $4 AND idx < $5 AND json_typeof(named.id) = 'string'
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - no input stands in it


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
    """Of the nodes from `first` to `end`."""
    tiles, index = Tiles(writer), first // WIDTH
    roots = [root(list(_split(await tiles.tile(level - 1, at)))) for at in range(index, end // WIDTH)]
    if level == 1:
        await writer.fetch(LEAF_TILES, level, index, roots, first, end)
    else:
        await writer.fetch(TILE_ROOTS, level, index, roots)


def _split(hashes: bytes) -> Iterator[bytes]:
    return (hashes[at : at + HASH] for at in range(0, len(hashes), HASH))


async def _vet(writer: Writer, head: Head) -> None:
    """Proofs are made of tiles, and checked against the head: one that does not hold would be noticed by others first."""
    try:
        found = await Tiles(writer).root(head.edge.size)
    except BadTile:
        found = b""
    if found != head.edge.root():
        raise LogStopped("the tiles are not those of the head: proofs made of them would not hold")
