"""The requester's keys: one a minute, the last ones kept until no answer can come for them any more."""

from collections import deque
from collections.abc import Callable

from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Opener
from counterfoil.wire.secret import Secret

MINUTE = 60.0
KEEP = 180.0
"""A key is used for a minute and a deadline is at most one more ahead."""


class RequesterKeys:
    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._opener = Opener()
        self._kept: deque[tuple[float, OpeningKey]] = deque()

    def current(self) -> bytes:
        """The public key to ask with now."""
        now = self._clock()
        while self._kept and now - self._kept[0][0] > KEEP:
            self._opener.forget(self._kept.popleft()[1].kid)
        if not self._kept or now - self._kept[-1][0] > MINUTE:
            key = OpeningKey.generate()
            self._opener.add(key)
            self._kept.append((now, key))
        return self._kept[-1][1].public

    def open(self, box: bytes, info: bytes) -> Secret:
        """Raises Unsealable."""
        return self._opener.open(box, info)
