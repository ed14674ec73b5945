"""Running until somebody says stop: SIGINT, SIGTERM and a closed terminal end a run in order, trouble is told without a traceback."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from services.dev.trouble import Trouble


def run(main: Coroutine[Any, Any, None]) -> int:
    """The exit code of the run. Asked to stop, it unwinds (children end in reverse order) and that is a good end."""
    try:
        asyncio.run(_until_stopped(main))
    except Trouble as trouble:
        sys.stderr.write(f"\nERROR: {trouble}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"\nERROR: {error}\n")
        return 1
    return 0


async def _until_stopped(main: Coroutine[Any, Any, None]) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(main)
    asked = asyncio.Event()

    def stop() -> None:
        asked.set()
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup means what it says
            loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
