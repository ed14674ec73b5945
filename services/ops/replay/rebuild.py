"""Projections, built again from facts alone and compared with what lies in the tables. Nothing is written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from counterfoil.contracts.base import JsonObject
from counterfoil.wire.armor import to_b64
from counterfoil.wire.checkpoint import BadCheckpoint, check, parse
from counterfoil_server.replay.history import History
from counterfoil_server.replay.source import Source, members
from counterfoil_server.runtime.store.database import Connection
from services.ops.replay import rebuild_registry
from services.ops.replay.rebuild_ledger import Ledger
from services.ops.replay.rebuild_tree import Tree

HEAD = "SELECT size, edge, last_leaf, checkpoint FROM audit_head"
KEYS = "SELECT public FROM service_key WHERE use = 'log'"
SETTLED = (b'"kind":"credential.', b'"kind":"revocation.')


@dataclass
class Rebuilt:
    size: int = 0
    root: str = ""
    registry: JsonObject = field(default_factory=dict)
    ledger: JsonObject = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def document(self) -> JsonObject:
        tree = {"size": self.size, "root": self.root}
        return {"tree": tree, "registry": self.registry, "ledger": self.ledger, "equal": not self.differences, "differences": self.differences}


async def from_database(source: Source, db: Connection, progress: Callable[[float], None]) -> Rebuilt:
    head, keys = await db.fetchrow(HEAD), [row["public"].decode() for row in await db.fetch(KEYS)]
    history = await History.read(source)
    tree, ledger = await read(source, progress, head["size"] if head else 0)
    found = Rebuilt(tree.size, to_b64(tree.root))
    if head is not None:
        found.differences += tree_differs(tree, head["checkpoint"], keys)
        if (head["edge"], head["last_leaf"].hex()) != (tree.edge.to_bytes(), tree.last):
            found.differences.append("the edge that audit would go on from is not the tree's")
    found.registry, wrong = await rebuild_registry.compare(history, db)
    found.differences += wrong + await ledger.compare(db)
    found.ledger = {"rows": ledger.rows, "ahead_of_the_log": dict(ledger.ahead)}
    return found


async def from_export(source: Source, checkpoint: Callable[[], str | None], progress: Callable[[float], None]) -> Rebuilt:
    """An export has no tables beside it: its tree is compared with its own checkpoint, whose signature `counterfoil audit verify` checks."""
    tree, ledger = await read(source, progress, None)
    found = Rebuilt(tree.size, to_b64(tree.root), ledger={"credentials": ledger.credentials})
    note = checkpoint()
    found.differences += tree_differs(tree, note, None) if note is not None else ["the export has no checkpoint: its end is missing"]
    return found


async def read(source: Source, progress: Callable[[float], None], size: int | None) -> tuple[Tree, Ledger]:
    """Up to the head: what was appended after it was read is of another head."""
    tree, ledger = Tree(), Ledger()
    async for part in source.parts():
        for index, leaf in part:
            if size is None or index < size:
                tree.take(leaf)
                if any(word in leaf for word in SETTLED):
                    ledger.take(members(index, leaf)["fact"])
        progress(source.done)
    return tree, ledger


def tree_differs(tree: Tree, note: str, keys: list[str] | None) -> list[str]:
    found = [] if tree.broken is None else [f"leaf {tree.broken} does not name the leaf before it"]
    try:
        signed = parse(note) if keys is None else check(note, keys)
    except BadCheckpoint as error:
        return [*found, f"the signed head is not sound: {error.code}"]
    if (signed.size, signed.root) != (tree.size, tree.root):
        signed_root = to_b64(signed.root)
        found.append(f"the signed head is {signed.size} leaves with the root {signed_root}; these are {tree.size}, with another")
    return found
