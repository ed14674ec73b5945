"""What the child prints, with the lent values blotted out: as they are, percent-encoded, and in base64."""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = b"***"
SHORTEST = 6
"""Shorter values would blot out half of everything; no provider's secret is that short."""


def spellings(values: Iterable[str]) -> frozenset[bytes]:
    found: set[bytes] = set()
    for value in values:
        raw = value.encode()
        if len(raw) >= SHORTEST:
            found |= {raw, quote(value, safe="").encode(), base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")}
    return frozenset(found)


class Mask:
    """A stream, chunk by chunk. What may yet become a value is kept back until it has, or cannot any more."""

    def __init__(self, values: Iterable[str]) -> None:
        self.spellings: frozenset[bytes] = frozenset()
        self.learn(values)
        self._kept = b""
        self._hidden = 0
        """How much of the beginning of what is kept was blotted out already."""

    def learn(self, values: Iterable[str]) -> None:
        """More of them, from here on."""
        self.spellings |= spellings(values)
        longest = sorted(self.spellings, key=len, reverse=True)
        # A look-ahead, so that values which overlap are all found.
        self._found = re.compile(b"(?=(" + b"|".join(map(re.escape, longest)) + b"))") if longest else None

    def feed(self, chunk: bytes) -> bytes:
        return self._out(self._kept + chunk, ends=False)

    def end(self) -> bytes:
        return self._out(self._kept, ends=True)

    def _out(self, text: bytes, *, ends: bool) -> bytes:
        cut = len(text) - (0 if ends else self._undecided(text))
        if cut == 0:
            self._kept = text
            return b""
        out, at = [], 0
        for start, end in self._spans(text):
            if start >= cut:
                break
            out += [text[at:start]] if start > at else []
            out += [] if start == 0 and self._hidden else [MASK]
            at = end
        out.append(text[at:cut])
        self._kept, self._hidden = text[cut:], max(0, at - cut)
        return b"".join(out)

    def _spans(self, text: bytes) -> list[tuple[int, int]]:
        """Where values stand, those that touch or overlap made one."""
        spans = [(0, self._hidden)] if self._hidden else []
        for hit in self._found.finditer(text) if self._found else ():
            start, end = hit.span(1)
            if spans and start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans

    def _undecided(self, text: bytes) -> int:
        """The length of the longest end that is the beginning of a value, and not yet the whole."""
        most = max((len(one) for one in self.spellings), default=1) - 1
        return next((size for size in range(min(most, len(text)), 0, -1) if any(one.startswith(text[-size:]) for one in self.spellings)), 0)
