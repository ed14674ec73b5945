"""An export of the audit log: a JSON line for each leaf, and last a line with the checkpoint over them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from counterfoil_server.replay.source import EVERYTHING, PART, BadSource, Text, Window, members

CHANGED = b'\\"kind\\":\\"registry.changed\\"'
ID = re.compile(rb'\\"id\\":\\"([0-9a-f-]{36})\\"')
"""As they stand in a line, where the leaf is a text within JSON."""


class Export:
    """Read line by line. Its order is checked on the way; whether it is the log's is what `counterfoil audit verify` says."""

    def __init__(self, path: Path) -> None:
        self._path, self._size = path, max(1, path.stat().st_size)
        self.done = 0.0
        self.checkpoint: str | None = None
        self.first = next((index for index, _ in self._lines()), 0)

    async def parts(self, window: Window = EVERYTHING) -> AsyncIterator[list[Text]]:
        part: list[Text] = []
        for index, line in self._lines():
            part.append((index, leaf(line)))
            if len(part) == PART:
                if wanted := window.of(part):
                    yield wanted
                part = []
                await asyncio.sleep(0)  # nothing else waits here, and Ctrl-C is heard where something waits
        if wanted := window.of(part):
            yield wanted

    async def changes(self) -> list[Text]:
        found = [(index, leaf(line)) for index, line in self._lines(CHANGED)]
        return [(index, text) for index, text in found if members(index, text)["fact"].get("kind") == "registry.changed"]

    async def facts(self, ids: Collection[UUID]) -> list[Text]:
        wanted = {str(one).encode() for one in ids}
        found = [(index, leaf(line)) for index, line in self._lines(b'\\"id\\"') if not wanted.isdisjoint(ID.findall(line))]
        return [(index, text) for index, text in found if str(members(index, text)["fact"].get("id")).encode() in wanted]

    def _lines(self, word: bytes = b"") -> Iterator[tuple[int, bytes]]:
        """Leaves whose line has this word in it; the order is that of all."""
        read, follows = 0, None
        with self._path.open("rb") as file:
            for line in file:
                read += len(line)
                self.done = read / self._size
                index = index_of(line)
                if index is None:
                    self.checkpoint = checkpoint(line) or self.checkpoint
                    continue
                if follows is not None and index != follows:
                    raise BadSource(f"leaf {index} stands where leaf {follows} should: a leaf is missing, or this is no export of an audit log")
                follows = index + 1
                if word in line:
                    yield index, line


def index_of(line: bytes) -> int | None:
    """Of `{"index":N,"leaf":"..."}`, without parsing what is long."""
    found = re.match(rb'\s*\{\s*"index"\s*:\s*(\d+)\s*,', line)
    return int(found[1]) if found else None


def leaf(line: bytes) -> bytes:
    """The text within the line. Mostly nothing is escaped in it but its quotes, and then it need not be parsed for that."""
    _, found_it, rest = line.partition(b',"leaf":"')
    text = rest.rstrip().removesuffix(b'"}').replace(b'\\"', b'"')
    if found_it and rest.rstrip().endswith(b'}"}') and b"\\" not in text:
        return text
    found = parsed(line).get("leaf")
    if not isinstance(found, str):
        raise BadSource("a line of this file holds no leaf: it is no export of an audit log")
    return found.encode()


def checkpoint(line: bytes) -> str | None:
    if not line.strip():
        return None
    found = parsed(line).get("checkpoint")
    if not isinstance(found, str):
        raise BadSource("a line of this file is neither a leaf nor a checkpoint: it is no export of an audit log")
    return found


def parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadSource("a line of this file is no JSON object: it is no export of an audit log")
    return found
