"""Leaves -> audit.recorded: parts that a record has room for, each with the checkpoint that covers them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from counterfoil.contracts import audit_recorded
from counterfoil.contracts.audit_recorded import AuditRecorded, RecordedLeaf
from counterfoil.contracts.base import named
from counterfoil_server.runtime.stage import Out
from services.audit.batch import Leaf

LARGEST = 128 * 1024


def recorded(leaves: Sequence[Leaf], checkpoint: str, now: datetime) -> list[Out]:
    return [_out(part, checkpoint, now) for part in _parts(leaves)]


def _parts(leaves: Sequence[Leaf]) -> Iterator[list[Leaf]]:
    part: list[Leaf] = []
    size = 0
    for leaf in leaves:
        # Within JSON each quote and each backslash takes two bytes; a canonical leaf has nothing else to escape.
        takes = len(leaf.bytes) + leaf.bytes.count(b'"') + leaf.bytes.count(b"\\")
        if part and size + takes > LARGEST:
            yield part
            part, size = [], 0
        part.append(leaf)
        size += takes
    if part:
        yield part


def _out(part: Sequence[Leaf], checkpoint: str, now: datetime) -> Out:
    fact_id = named("recorded", str(part[0].index), str(part[-1].index), checkpoint)
    leaves = tuple(RecordedLeaf(index=leaf.index, leaf=leaf.bytes.decode()) for leaf in part)
    fact = AuditRecorded(id=fact_id, at=now, leaves=leaves, checkpoint=checkpoint)
    return Out(audit_recorded.TOPIC, fact, key=str(fact_id), event_id=str(fact_id))
