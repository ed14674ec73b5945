"""Secret: bytes that no log line, traceback, pickle or JSON document can show."""

import hmac
from typing import NoReturn, Self

SILENT = "Secret(***)"


class Secret:
    """Wraps bytes. Only `reveal` and `text` hand them out, so every place that does can be found by those two words."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a hash table would compare, and keep, what is secret

    def __init__(self, value: bytes | str) -> None:
        if isinstance(value, str):
            self._value = _encoded(value)
        elif isinstance(value, bytes):
            self._value = value
        else:
            raise TypeError("a Secret wraps bytes or str")

    def reveal(self) -> bytes:
        return self._value

    def text(self) -> str:
        try:
            return self._value.decode()
        except UnicodeDecodeError:
            pass
        # Raised outside the handler: the decoder's error holds all of the bytes, and __context__ would keep it alive.
        raise ValueError("this secret is not text")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __repr__(self) -> str:
        return SILENT

    def __format__(self, spec: str) -> str:
        return SILENT

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is never pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret has no state to show")


def _encoded(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        pass
    raise ValueError("a lone surrogate is no text")
