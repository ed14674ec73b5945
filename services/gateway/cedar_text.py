"""Where in a policy's text a complaint belongs: Cedar names what it stumbled over, and not the line."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

import cedarpy

TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d+|::|==|!=|<=|>=|&&|\|\||\S', re.DOTALL)
NAMED = re.compile(r"`([^`]+)`")
OPEN = "unexpected end of input"


class Statement(NamedTuple):
    """One `permit` or `forbid`, with where it begins in the whole text."""

    start: int
    text: str


def tokens(text: str) -> Iterator[re.Match[str]]:
    return (found for found in TOKEN.finditer(text) if not found[0].startswith("//"))


def statements(text: str) -> list[Statement]:
    """Each up to its semicolon, and whatever is left."""
    found, begin, end = [], None, 0
    for token in tokens(text):
        begin, end = token.start() if begin is None else begin, token.end()
        if token[0] == ";":
            found.append(Statement(begin, text[begin:end]))
            begin = None
    return found if begin is None else [*found, Statement(begin, text[begin:end])]


def line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def complaint(statement: str) -> str | None:
    """What Cedar's parser says of it; None where it is good."""
    try:
        cedarpy.policies_to_json_str(statement)
    except (ValueError, RecursionError) as error:
        return str(error)[:500]
    return None


def stumbled(statement: str, said: str) -> int:
    """The offset of what a parser's complaint is about: the last such token before the first prefix that can no longer become a policy."""
    found = list(tokens(statement))
    if not found or OPEN in said:
        return 0
    until = min(bisect_left(found, True, key=lambda token: complaint(statement[: token.end()]) not in (OPEN, None)), len(found) - 1)
    names = NAMED.findall(said)
    before = [token.start() for token in found[: until + 1] if token[0] in names]
    return before[-1] if before else found[until].start()


def mentioned(statement: str, said: str) -> int:
    """The offset of what a validator's complaint names, where it stands there; else the statement's own."""
    for name in NAMED.findall(said):
        spot = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", statement)
        if spot:
            return spot.start()
    return 0
