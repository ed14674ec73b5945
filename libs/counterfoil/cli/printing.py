"""What goes to stdout, in the three ways of `-o`."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any


class Output(StrEnum):
    JSON = "json"
    TABLE = "table"
    TOKEN = "token"  # noqa: S105 a word


def line(text: str) -> None:
    """Flushed: whoever reads a pipe wants it now."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def document(found: Any) -> None:
    line(json.dumps(found, indent=2, ensure_ascii=False))


def members(found: Mapping[str, Any]) -> None:
    """One a line, names aligned; members of members stand behind a dot."""
    flat = dict(_flat("", found))
    width = max(map(len, flat), default=0)
    for name, value in flat.items():
        line(f"{name:<{width}}  {value}")


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    cells = [[column.upper() for column in columns], *([plain(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    for row in cells:
        line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def one(found: Mapping[str, Any], output: Output, word: str) -> None:
    """`word`: the member that is the whole answer of `-o token`."""
    if output is Output.JSON:
        document(found)
    elif output is Output.TOKEN:
        line(str(found[word]))
    else:
        members(found)


COLOURS = {"+": "32", "-": "31", "~": "33"}


def coloured(text: str) -> str:
    """A line of a diff, for stderr: in colours where it is a terminal, and nobody minds (https://no-color.org)."""
    colour = COLOURS.get(text.lstrip()[:1])
    if colour is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def plain(value: Any) -> str:
    """For a terminal: whatever came from elsewhere steers no cursor."""
    if isinstance(value, Mapping):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, list | tuple):
        return ",".join(map(plain, value))
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def _flat(prefix: str, found: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in found.items():
        rows += _flat(f"{prefix}{name}.", value) if isinstance(value, Mapping) else [(prefix + name, plain(value))]
    return rows
