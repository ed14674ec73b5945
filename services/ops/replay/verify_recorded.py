"""A leaf, taken apart: the fact, its text as it lies in the log, and what it is called."""

import json
from typing import Any, get_args

from counterfoil.contracts import TOPICS
from counterfoil.contracts.base import Message
from counterfoil_server.replay.source import BadSource

BEHIND = ',"fact_sha256":"'
BEFORE = len('{"fact":')


class Recorded:
    """`text`: the fact's canonical text. A leaf holds its members in the order of their names, so it stands first."""

    __slots__ = ("fact", "index", "kind", "leaf", "sha256", "text")

    def __init__(self, index: int, leaf: bytes) -> None:
        try:
            text = leaf.decode()
            members = json.loads(text)
            self.fact: dict[str, Any] = members["fact"]
            self.kind, self.sha256 = str(self.fact["kind"]), str(members["fact_sha256"])
        except (ValueError, TypeError, KeyError):
            raise BadSource(f"leaf {index} is no leaf of an audit log: `counterfoil audit verify` says what became of it") from None
        self.index, self.leaf, self.text = index, leaf, text.rpartition(BEHIND)[0][BEFORE:]

    @property
    def request_id(self) -> str:
        return str(self.fact.get("asked", {}).get("request_id", "-"))

    def schema(self) -> Any:
        """Of the code that decided."""
        return (self.fact.get("basis") or self.fact.get("grounds") or {}).get("schema_version")


def kinds() -> frozenset[str]:
    """Every kind of fact that this code knows."""
    carried: list[type[Message]] = [one for topic in TOPICS for one in get_args(topic.carries) or (topic.carries,)]
    return frozenset(str(one.model_fields["kind"].default) for one in carried if "kind" in one.model_fields)
