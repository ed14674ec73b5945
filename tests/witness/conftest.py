"""A witness in this process, over a folder of its own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from counterfoil.wire.cosignature import WitnessKey
from services.witness.key_file import opened
from services.witness.memory import Memory
from services.witness.witness import Answer, Witness
from tests.witness.growing import KEY, ORIGIN

NAME = "witness.test/w1"


@dataclass
class Bench:
    """`now`: what its clock says. `restart` is what a new process would do."""

    folder: Path
    now: float = 1_790_000_000.5
    logs: dict[str, tuple[str, ...]] = field(default_factory=lambda: {ORIGIN: (KEY.vkey,)})
    memory: Memory = field(init=False)
    key: WitnessKey = field(init=False)
    witness: Witness = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.memory = Memory(self.folder)
        self.key = opened(NAME, self.folder / "witness.key", self.memory)
        self.witness = Witness(self.key, self.logs, self.memory, lambda: self.now)

    def restart(self) -> None:
        self.memory.close()
        self.start()

    def add(self, body: bytes) -> Answer:
        return self.witness.add(body)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    found = Bench(tmp_path / "state")
    yield found
    found.memory.close()
