"""The export file: JSON lines, `{"index","leaf"}` for each leaf in order, and `{"checkpoint"}` last."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from counterfoil.wire.broken import Broken
from counterfoil.wire.canonical import NotJson, strict_json

LONGEST = 1 << 22
"""Bytes of a line. A leaf has at most a few ten thousand."""


class BadExport(Broken):
    """malformed_line or line_too_long, at `line`, counted from 1."""

    def __init__(self, line: int, code: str) -> None:
        super().__init__(code)
        self.line = line


@dataclass(frozen=True, slots=True)
class Leaf:
    index: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Head:
    checkpoint: str


def read(file: BinaryIO) -> Iterator[Leaf | Head]:
    """One line in memory at a time."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise BadExport(number, "line_too_long")
        yield _read(line, number)


def _read(line: bytes, number: int) -> Leaf | Head:
    try:
        found = strict_json(line)
    except NotJson:
        raise BadExport(number, "malformed_line") from None
    match found:
        case {"index": int(index), "leaf": str(leaf), **rest} if not rest and type(index) is int and index >= 0:
            return Leaf(index, leaf.encode())
        case {"checkpoint": str(checkpoint), **rest} if not rest:
            return Head(checkpoint)
    raise BadExport(number, "malformed_line")


def leaf_line(index: int, leaf: str) -> str:
    return _line({"index": index, "leaf": leaf})


def head_line(checkpoint: str) -> str:
    return _line({"checkpoint": checkpoint})


def _line(members: dict[str, Any]) -> str:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def heads(text: str) -> list[str]:
    """The checkpoints that somebody kept: one signed note as it is, or lines of JSON with one each, an export among them."""
    if not text.lstrip().startswith("{"):
        return [text]
    lines = [line for line in text.splitlines() if line.strip()]
    found = [_read(line.encode(), number) for number, line in enumerate(lines, 1)]
    return [one.checkpoint for one in found if isinstance(one, Head)]
