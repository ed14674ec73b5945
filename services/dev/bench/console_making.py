"""The bench's log made by a process of its own, part by part, so that two cores work on it."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

from services.dev.bench.console_log import Book, Grown

PART = 5_000
"""Exchanges."""


def making(there: Connection, book: Book, began: datetime, step: timedelta, exchanges: int) -> None:
    """At the end the book itself, as it stands then."""
    for first in range(0, exchanges, PART):
        for number in range(first, min(first + PART, exchanges)):
            book.exchange(began + number * step)
        there.send(book.taken())
    there.send(book)


async def made(book: Book, began: datetime, step: timedelta, exchanges: int) -> AsyncIterator[Grown | Book]:
    start = multiprocessing.get_context("spawn")
    here, there = start.Pipe(duplex=False)
    process = start.Process(target=making, args=(there, book, began, step, exchanges), daemon=True)
    process.start()
    there.close()
    try:
        part: Grown | Book | None = None
        while not isinstance(part, Book):
            part = await asyncio.to_thread(here.recv)
            assert part is not None  # noqa: S101 - nobody sends it
            yield part
    finally:
        process.terminate()
        process.join()
