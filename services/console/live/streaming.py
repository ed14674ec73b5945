"""Server-sent events: rows as they come, what was left out, and a word when the session is over."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from time import monotonic
from typing import Any

from services.console.live.exchanges import Exchange
from services.console.live.feed import Watcher

PATIENCE = 5.0
ASKED_AGAIN, SPOKEN = 15.0, 10.0
OVER = "event: over\ndata: over\n\n"
"""The page's own name for it: htmx would come back and be refused, again and again."""
Say = Callable[..., str]


async def events(watcher: Watcher, say: Say, still: Callable[[], Awaitable[Any]], missed: Sequence[Exchange] = ()) -> AsyncIterator[str]:
    """`still`: the operator, while the session stands. A comment now and then keeps what lies between us from ending a quiet stream."""
    asked, spoke = monotonic(), 0.0
    yield "retry: 2000\n\n"
    rows = watcher.missed(missed) or await watcher.next(PATIENCE)
    while not watcher.over:
        if monotonic() - asked > ASKED_AGAIN:
            asked = monotonic()
            if await still() is None:
                yield message("live/over.html", say)
                yield OVER
                return
        if rows:
            spoken = monotonic() - spoke > SPOKEN
            spoke = monotonic() if spoken else spoke
            yield f"id: {rows[0].index}\n{message('live/news.html', say, rows=rows, seen=watcher.seen, left_out=watcher.left_out, spoken=spoken)}"
        else:
            yield ": quiet\n\n"
        rows = await watcher.next(PATIENCE)


def message(template: str, say: Say, **context: Any) -> str:
    lines = say(template, **context).splitlines()
    return "".join(f"data: {line}\n" for line in lines if line.strip()) + "\n"
