"""audit.recorded: leaves of the audit log as they were appended, for those whom an operator grants them. Apps never read it."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from counterfoil.contracts.base import Fact, Message, Topic


class RecordedLeaf(Message):
    index: int = Field(ge=0)
    leaf: str


class AuditRecorded(Fact):
    """Part of one appended batch, and the checkpoint that the batch ended in."""

    kind: Literal["audit.recorded"] = "audit.recorded"
    leaves: tuple[RecordedLeaf, ...]
    checkpoint: str


TOPIC = Topic("audit.recorded", carries=AuditRecorded, written_by=("audit",), read_by=("consumer",), keep=timedelta(days=7), key="id")
