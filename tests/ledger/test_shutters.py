"""A fence reaches the provider itself, where the connector's config asks for that. The provider here only notes what it is told."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from counterfoil.contracts.registry import Connector, Installation, Registered
from counterfoil_server.runtime.snapshot import Snapshot
from services.providers.seam import Unavailable
from services.providers.shutters import Shutters
from services.providers.wanted import Intent
from tests.ledger.conftest import Books, Declared
from tests.support.roots import by_installation

NAME = "postgres/demo"


@dataclass
class Gate(Declared):
    told: list[tuple[str, str]] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)

    def shuts(self, config: Any) -> bool:
        return bool(config.get("suspend"))

    async def shut(self, config: Any, root: Any) -> None:
        self._tell("shut", config["place"], root)

    async def reopen(self, config: Any, root: Any) -> None:
        self._tell("reopen", config["place"], root)

    def _tell(self, what: str, where: str, root: Any) -> None:
        if self.failing:
            raise self.failing.pop(0)
        assert root == {"of": where}
        self.told.append((what, where))


def shutters(books: Books, provider: Declared, *, suspend: bool = True) -> Shutters:
    entries: list[Registered] = [
        Connector(name=NAME, config={"suspend": suspend, "place": "default"}),
        Installation(connector=NAME, installation="other", config={"place": "other"}),
    ]
    registry: Any = SimpleNamespace(snapshot=Snapshot.of(1, entries))
    shelf: Any = SimpleNamespace(provider=lambda _: provider)
    return Shutters(books.revoke, shelf, by_installation(lambda installation: [{"of": installation}]), registry)


async def fence(books: Books, state: str = "fenced") -> None:
    await books.owner.execute("UPDATE connector SET state = $1", state)


async def is_shut(books: Books) -> bool:
    return await books.owner.fetchval("SELECT shut_at FROM connector") is not None


async def test_a_fence_shuts_every_installation_once_and_lifting_it_opens_them(books: Books):
    shutting = shutters(books, gate := Gate())
    await shutting.turn()
    assert gate.told == []

    await fence(books)
    await shutting.turn()
    await shutting.turn()
    assert gate.told == [("shut", "default"), ("shut", "other")]
    assert await is_shut(books)

    await fence(books, "active")
    await shutting.turn()
    await shutting.turn()
    assert gate.told[2:] == [("reopen", "default"), ("reopen", "other")]
    assert not await is_shut(books)


async def test_a_connector_of_which_nothing_lives_any_more_stays_shut(books: Books):
    shutting = shutters(books, gate := Gate())
    await fence(books)
    await shutting.turn()
    await fence(books, "revoked")
    await shutting.turn()

    assert len(gate.told) == 2
    assert await is_shut(books)


@pytest.mark.parametrize("provider", [Gate(), Declared()])
async def test_nobody_is_shut_who_does_not_want_it_or_cannot(books: Books, provider: Declared):
    await fence(books)
    await shutters(books, provider, suspend=not isinstance(provider, Gate)).turn()

    assert getattr(provider, "told", []) == []
    assert not await is_shut(books)


async def test_another_process_opens_what_was_shut_though_the_config_wants_it_no_more(books: Books):
    await fence(books)
    await shutters(books, Gate()).turn()
    await fence(books, "active")

    await shutters(books, gate := Gate(), suspend=False).turn()

    assert gate.told == [("reopen", "default"), ("reopen", "other")]
    assert not await is_shut(books)


@pytest.mark.parametrize("error", [Unavailable("down", "x"), TimeoutError()])
async def test_what_fails_is_tried_again_but_not_at_once(books: Books, error: Exception):
    shutting = shutters(books, gate := Gate(failing=[error]))
    await fence(books)
    await shutting.turn()
    await shutting.turn()
    assert (gate.told, await is_shut(books)) == ([], False)

    shutting._tries[NAME] = 1, 0.0
    await shutting.turn()
    assert await is_shut(books)


async def test_what_could_not_be_ended_meanwhile_is_tried_the_moment_it_is_open(books: Books):
    (intent,) = await books.intend(books.wanted())
    assert isinstance(intent, Intent)
    await fence(books)
    await shutters(books, Gate()).turn()
    waits = (
        "INSERT INTO revocation (id, credential_id, cause, state, next_at) VALUES ($1, $2, 'requested', 'stuck', clock_timestamp() + interval '1 m')"
    )
    await books.owner.execute(waits, UUID(int=1), intent.credential_id)
    await fence(books, "active")

    await shutters(books, Gate()).turn()

    assert await books.owner.fetchval("SELECT next_at <= clock_timestamp() FROM revocation")
