"""registry.changed: every change an operator made, in the order of its revision."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from counterfoil.contracts.base import Fact, JsonObject, Topic
from counterfoil.contracts.revocation_requested import Actor


class RegistryChanged(Fact):
    kind: Literal["registry.changed"] = "registry.changed"
    revision: int = Field(ge=1)
    actor: Actor
    change: Literal[
        "put", "removed", "fenced", "unfenced", "blocked", "unblocked", "secret_set", "key_added", "key_retired", "subject_erased",
        "redriven", "discarded", "grant_ended",
    ]  # fmt: skip
    entry_kind: str
    name: str
    entry: JsonObject | None = None


TOPIC = Topic("registry.changed", carries=RegistryChanged, written_by=("gateway",), read_by=("audit",), keep=timedelta(days=7), key="id")
