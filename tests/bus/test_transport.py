"""Whose fault an error is: PostgreSQL's own troubles stop a batch, which comes again; what a message brought about is that message's."""

from collections.abc import Iterator

import asyncpg
import pytest

from counterfoil_server.runtime.stage import TRANSPORT

ITS_OWN = {
    "08006": "connection lost", "25006": "read-only", "25P02": "transaction failed before", "25P03": "ended while silent", "40001": "serialization",
    "40P01": "deadlock", "53100": "disk full", "53200": "out of memory", "53300": "too many connections", "57014": "cancelled by somebody",
    "57P01": "shut down", "57P02": "crashed", "57P03": "starting", "58030": "I/O error",
}  # fmt: skip
OF_A_MESSAGE = {"22003": "out of range", "22P02": "invalid text", "22P05": "a character that it cannot keep", "23505": "unique", "23514": "check"}


def classes(within: type[asyncpg.PostgresError] = asyncpg.PostgresError) -> Iterator[type[asyncpg.PostgresError]]:
    for one in within.__subclasses__():
        yield one
        yield from classes(one)


def raised(code: str) -> type[asyncpg.PostgresError]:
    (found,) = (one for one in classes() if getattr(one, "sqlstate", None) == code and one.__module__ == "asyncpg.exceptions")
    return found


@pytest.mark.parametrize("code", ITS_OWN, ids=ITS_OWN.get)
def test_the_batch_comes_again(code: str):
    assert issubclass(raised(code), TRANSPORT)


@pytest.mark.parametrize("code", OF_A_MESSAGE, ids=OF_A_MESSAGE.get)
def test_the_message_is_a_dead_letter(code: str):
    assert not issubclass(raised(code), TRANSPORT)
