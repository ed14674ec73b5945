"""Lru: a mapping of bounded size that forgets first what was used longest ago."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lru(Generic[K, V]):
    """For one event loop: two threads at once could lose an entry, never get a wrong one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def values(self) -> list[V]:
        return list(self._entries.values())

    def drop_where(self, gone: Callable[[K, V], bool]) -> None:
        for key in [key for key, value in self._entries.items() if gone(key, value)]:
            del self._entries[key]

    def drop_while(self, gone: Callable[[V], bool]) -> None:
        """Only from the end that was used longest ago: cheap enough to do on every put."""
        while self._entries and gone(next(iter(self._entries.values()))):
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)
