"""One leaf with all that proves it, so that a browser can check it and believe nobody here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.armor import from_b64, to_b64
from counterfoil.wire.checkpoint import BadCheckpoint, Checkpoint
from counterfoil.wire.log_key import VKey
from counterfoil.wire.receipt import write_proof
from counterfoil.wire.tiles import BadTile
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.tiles import Tiles
from services.console.audit.leaves import Leaf, leaf

HEAD = "SELECT size, checkpoint FROM audit_head"
ONE = "SELECT idx, bytes, leaf_hash FROM audit_leaf WHERE idx = $1"
KEYS = "SELECT public FROM service_key WHERE use = 'log' ORDER BY not_before"
LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Signature:
    """`ours`: of a key of this log; else a witness's."""

    name: str
    key_id: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """`path`: in base64, from the leaf's sibling up. None where tiles are missing, right after an upgrade."""

    leaf: Leaf
    leaf_hash: str
    size: int
    checkpoint: str = field(repr=False)
    path: Sequence[str] | None
    vkeys: Sequence[str]
    head: Checkpoint | None
    signatures: Sequence[Signature]

    @property
    def proof(self) -> str | None:
        """A C2SP tlog-proof against this head, which no witness has seen. None where tiles are missing."""
        return None if self.path is None else write_proof(self.leaf.index, list(map(from_b64, self.path)), self.checkpoint)


async def shown(db: Pool, index: int) -> Shown | None:
    """None where the log has no such leaf, or none yet. The head is read first: whatever it covers is there."""
    head = await db.fetchrow(HEAD)
    if head is None or not 0 <= index < min(head["size"], LARGEST):
        return None
    row = await db.fetchrow(ONE, index)
    if row is None:
        return None
    try:
        path = [to_b64(step) for step in await Tiles(db).inclusion(index, head["size"])]
    except BadTile:
        path = None
    vkeys = [bytes(key["public"]).decode() for key in await db.fetch(KEYS)]
    signed = parsed(head["checkpoint"])
    return Shown(leaf(row), row["leaf_hash"].hex(), head["size"], head["checkpoint"], path, vkeys, signed, signatures(signed, vkeys))


def parsed(note: str) -> Checkpoint | None:
    try:
        return checkpoints.parse(note)
    except BadCheckpoint:
        return None


def signatures(head: Checkpoint | None, vkeys: Sequence[str]) -> list[Signature]:
    keys = {(key.name, key.key_id) for key in map(VKey.parse, vkeys)}
    return [Signature(one.name, one.key_id.hex(), (one.name, one.key_id) in keys) for one in head.signatures] if head else []
