"""Background: an event loop in a thread of its own, for callers who have none. Any thread may hand it work and wait."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

from counterfoil.client.errors import CounterfoilError
from counterfoil.client.fork import refuse_fork

T = TypeVar("T")
PATIENCE = 15.0
"""For what is left to do at the end: a little more than a call's usual deadline."""


class Background:
    """A daemon thread: a process that ends does not wait for it, and `stop` still runs before its loop is gone."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._turn, name="counterfoil", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `work` comes to. An interrupt, in the thread that waits, ends the work too."""
        refuse_fork(self._pid)
        if threading.current_thread() is self._thread:
            raise RuntimeError("a token callable may not wait for the very client that called it")
        future = asyncio.run_coroutine_threadsafe(work(), self.loop)
        try:
            return future.result()
        except CancelledError:
            raise CounterfoilError("closed", "the client was closed", fix="keep the client open until the last answer is there") from None
        except BaseException:
            future.cancel()
            raise

    def stop(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """After `last`, and once only. In a child of a fork there is nothing to stop."""
        if os.getpid() != self._pid or self.loop.is_closed():
            return
        if threading.current_thread() is self._thread:  # the client was garbage, and found by its own thread: nobody can wait here
            self.loop.create_task(last()).add_done_callback(lambda _: self.loop.stop())
            return
        try:
            with suppress(TimeoutError):  # whoever leaves is not held up by a server that is away
                asyncio.run_coroutine_threadsafe(last(), self.loop).result(PATIENCE)
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PATIENCE)

    def _turn(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.close()
