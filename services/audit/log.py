"""The audit log: an RFC 6962 tree in PostgreSQL. Leaf, proof, signed head and reply row become true in one statement, or not at all."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import Edge, leaf_hash
from counterfoil.wire.receipt import write_proof
from services.audit import rows
from services.audit.batch import OUTCOMES, Batch, Leaf, Seen, Standing
from services.audit.leaves import NONE_BEFORE, Entry, leaf, microseconds
from services.audit.rows import Head
from services.audit.writer import Writer

log = logging.getLogger("counterfoil.audit")


class LogStopped(ConnectionError):
    """Nothing may be appended now. It stops the batch, which no message is to blame for."""


@dataclass(frozen=True, slots=True)
class Appended:
    """`standing`: the answers that stand from now on."""

    leaves: Sequence[Leaf]
    checkpoint: str
    standing: Mapping[str, Standing]


class Log:
    """Keeps the tree's right edge and nothing else, so its memory does not grow with the log."""

    def __init__(self, writer: Writer, log_keys: Callable[[], list[LogKey]]) -> None:
        self._writer, self._log_keys = writer, log_keys
        self._head: Head | None = None

    async def head(self) -> Head:
        """Read anew after every error: whether the commit went through is then unknown."""
        if self._head is None:
            self._head = await self._read_head()
        return self._head

    async def _read_head(self) -> Head:
        row = (await self._writer.fetch(rows.HEAD))[0]
        head = rows.head(row)
        last = (0, NONE_BEFORE) if row["last_idx"] is None else (row["last_idx"] + 1, row["last_hash"])
        if (head.edge.size, head.last) != last:
            raise LogStopped("the leaves are not those that the head was signed over")
        return head

    async def known(self, ids: Collection[UUID], request_hashes: Collection[str]) -> tuple[Seen, dict[str, Standing]]:
        """What the log holds already under these ids, and the answers that were given to these requests."""
        seen: dict[UUID, dict[bytes, Leaf]] = {}
        standing = {}
        for row in await self._writer.fetch(rows.KNOWN, list(ids), list(request_hashes)):
            if row["request_hash"] is None:
                seen.setdefault(row["fact_id"], {})[row["fact_hash"]] = rows.leaf(row)
            else:
                standing[row["request_hash"]] = rows.standing(row)
        return seen, standing

    async def append(self, batch: Batch, now: datetime, caught_up_to: datetime | None) -> Appended:
        head = await self.head()
        if not batch.new:
            return Appended((), head.checkpoint, {})
        self._head = None
        leaves = _leaves(batch.new, head, microseconds(now))
        tree = head.edge.grow([one.hash for one in leaves])
        grown = Head(tree.edge, leaves[-1].hash, self._signed(tree.edge))
        standing = _standing(batch, leaves, tree.paths, grown.checkpoint)
        await self._write(rows.arguments(head, grown, batch, leaves, standing, caught_up_to, tree.roots))
        self._head = grown
        for one in batch.superseded:
            log.warning("superseded", extra={"topic": str(one.cause.topic), "offset": one.cause.offset})
        return Appended(leaves, grown.checkpoint, {one.request_hash: one for one in standing})

    async def _write(self, arguments: Sequence[object]) -> None:
        try:
            written = await self._writer.fetch(rows.APPEND, *arguments)
        except asyncpg.UniqueViolationError:
            written = []
        if not written or not written[0]["appended"]:
            raise LogStopped("another writer has appended to the log")

    def _signed(self, edge: Edge) -> str:
        """One signature a batch covers all of its leaves; while a log key rotates, both keys sign."""
        keys = self._log_keys()
        if not keys:
            raise LogStopped("no log key is valid: run `counterfoil keys list`")
        note = keys[0].sign(keys[0].name, edge.size, edge.root())
        for key in keys[1:]:
            note = key.cosign(note)
        return note

    async def delivered(self, request_hashes: Collection[str]) -> None:
        """The broker has these answers."""
        if request_hashes:
            await self._writer.fetch(rows.DELIVERED, list(request_hashes))


def _leaves(entries: Sequence[Entry], head: Head, time: str) -> list[Leaf]:
    found, previous = [], head.last
    for index, entry in enumerate(entries, head.edge.size):
        content = leaf(entry, index, previous, time)
        previous = leaf_hash(content)
        found.append(Leaf(index, previous, content))
    return found


def _standing(batch: Batch, leaves: Sequence[Leaf], paths: Sequence[Sequence[bytes]], checkpoint: str) -> list[Standing]:
    """Only an answer needs its proof."""
    won = set(batch.wins.values())
    return [
        _stands(entry, one, write_proof(one.index, path, checkpoint))
        for entry, one, path in zip(batch.new, leaves, paths, strict=True)
        if entry in won
    ]


def _stands(entry: Entry, leaf: Leaf, proof: str) -> Standing:
    fact = entry.cause.fact
    outcome, credential_id, box = OUTCOMES[type(fact)], getattr(fact, "credential_id", None), entry.members.get("box")
    return Standing(fact.asked.request_hash, outcome, fact.asked.deadline, entry.fact_hash, leaf, proof, entry.members, credential_id, box)
