"""Asked for once, however many requests wait for it, and kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from counterfoil.wire.lru import Lru
from services.providers.seam import Unavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class Held(Generic[V]):
    value: V | None = field(default=None, repr=False)
    until: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Once(Generic[K, V]):
    def __init__(self, late: str) -> None:
        """`late`: what is said where it does not come in time."""
        self._late = late
        self._held: Lru[K, Held[V]] = Lru(256)

    async def of(self, key: K, until: float, ask: Callable[[V | None], Awaitable[tuple[V, float]]], refused: V | None = None) -> V:
        """`ask` gets what was kept before, and gives what is kept from now on and for how many seconds. `refused`: what is not to be kept longer.

        Raises what `ask` does; Unavailable where it does not come by `until`, on the loop's clock.
        """
        held = self._held.get(key)
        if held is None:
            self._held.put(key, held := Held())
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(until), held.asking:
                if held.value is None or clock() >= held.until or held.value == refused:
                    began = clock()
                    held.value, lives = await ask(held.value)
                    held.until = began + lives
                return held.value
        except TimeoutError:
            raise Unavailable("timeout", self._late) from None
