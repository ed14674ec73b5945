"""The examples beside the contracts: one file per kind, with exactly the bytes that lie on the topic."""

from pathlib import Path

import counterfoil.contracts
from counterfoil.contracts.base import Topic

EXAMPLES = Path(counterfoil.contracts.__file__).parent / "examples"


def example(topic: Topic, kind: str) -> bytes:
    return (EXAMPLES / topic.name / f"{kind}.json").read_bytes()
