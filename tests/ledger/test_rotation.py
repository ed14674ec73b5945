"""A connector's root secret is changed, and no mint fails: the new one may be here before its provider takes it."""

from pathlib import Path
from typing import Any, cast

import pytest

from counterfoil.contracts.registry import Connector
from counterfoil.wire import binding
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Opener, Sealer
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from services.providers.envelope import Envelope
from services.providers.roots import Roots
from services.providers.rotation import AGAIN, Rotation
from services.providers.seam import Refused, Root, RootRefused, Unavailable
from tests.ledger.conftest import Books
from tests.support.roots import Given

DEMO = Connector(name="postgres/demo", installation="main")
KEY = OpeningKey.generate()


class Door:
    """A provider that takes one root secret, and counts what it is asked with."""

    def __init__(self, *sets: str) -> None:
        self.takes, self.sets, self.now, self.asked = sets[-1], list(sets), 0.0, list[str]()
        self.rotation = Rotation(cast("Roots", Given(lambda _: [{"password": Secret(one)} for one in self.sets])), lambda: self.now)

    async def mint(self) -> str:
        return await self.rotation.done(DEMO, "main", self._act)

    async def _act(self, root: Root) -> str:
        self.asked.append(root["password"].text())
        if self.asked[-1] != self.takes:
            raise RootRefused("root_refused", "no")
        return "minted"

    async def asks(self) -> list[str]:
        self.asked.clear()
        await self.mint()
        return list(self.asked)


async def test_while_the_provider_does_not_take_the_new_one_the_one_before_goes_on():
    door = Door("new", "old")

    assert await door.asks() == ["new", "old"]
    assert await door.asks() == ["old"]
    door.now += AGAIN
    assert await door.asks() == ["new", "old"]


async def test_once_it_takes_the_new_one_the_one_before_is_history():
    door = Door("new", "old")
    await door.mint()

    door.takes = "new"
    assert await door.asks() == ["old", "new"]
    assert await door.asks() == ["new"]
    door.takes = "old"
    with pytest.raises(RootRefused):
        await door.asks()
    assert door.asked == ["new"]


async def test_a_newer_one_begins_anew():
    door = Door("only")
    await door.mint()
    door.sets.insert(0, "newer")

    assert await door.asks() == ["newer", "only"]


async def test_one_that_was_mistyped_is_passed_over():
    assert await Door("new", "mistyped", "old").asks() == ["new", "mistyped", "old"]


async def test_where_none_is_taken_the_provider_said_no():
    door = Door("new", "old")
    door.takes = "changed there first"

    with pytest.raises(RootRefused):
        await door.mint()
    assert door.asked == ["new", "old"]


@pytest.mark.parametrize("error", [Refused("not_granted", "no"), Unavailable("busy", "later"), ValueError()])
async def test_another_no_is_nothing_that_another_root_secret_would_turn(error: Exception):
    door, asked = Door("new", "old"), []

    async def act(root: Root) -> Any:
        asked.append(root)
        raise error

    with pytest.raises(type(error)):
        await door.rotation.done(DEMO, "main", act)
    assert len(asked) == 1


async def kept(books: Books, folder: Path, *rows: tuple[str, str, int, str]) -> Roots:
    """Set by installation, field and version, as the gateway writes them; taken in by mint."""
    if not list(folder.glob("kek-*")):
        key_folder.write(folder / "kek-1.key", b"k" * 32)
    for installation, field, version, secret in rows:
        info = binding.root(DEMO.name, installation, field, version)
        box = Sealer().seal(Secret(secret), KEY.public, info)
        await books.owner.execute("INSERT INTO root_secret (connector, installation, field, version, sealed) VALUES ($1, $2, $3, $4, $5)",
                                  DEMO.name, installation, field, version, box)  # fmt: skip
    roots = Roots(books.mint, Envelope(folder), Opener([KEY]), lambda _: False)
    await roots.adopt()
    return roots


async def sets(roots: Roots, installation: str) -> list[dict[str, str]]:
    return [{name: secret.text() for name, secret in one.items()} for one in await roots.sets(DEMO, installation)]


@pytest.fixture(autouse=True)
async def _none_before(books: Books) -> None:
    await books.owner.execute("TRUNCATE root_secret")


async def test_the_last_three_are_at_hand_the_newest_first(books: Books, tmp_path: Path):
    roots = await kept(books, tmp_path, *(("main", "password", version, f"v{version}") for version in (1, 2, 3, 4)))

    assert await sets(roots, "main") == [{"password": "v4"}, {"password": "v3"}, {"password": "v2"}]


async def test_what_was_not_changed_stands_beside_what_was_and_an_installations_own_above_the_connectors(books: Books, tmp_path: Path):
    roots = await kept(books, tmp_path, ("main", "id", 1, "me"), ("main", "secret", 1, "s1"), ("main", "secret", 2, "s2"), ("eu", "id", 1, "eu"))

    assert await sets(roots, "main") == [{"id": "me", "secret": "s2"}, {"id": "me", "secret": "s1"}]
    assert await sets(roots, "eu") == [{"id": "eu", "secret": "s2"}, {"id": "eu", "secret": "s1"}]
    with pytest.raises(Unavailable):
        await roots.sets(Connector(name="other/one"), "default")


async def test_an_old_one_may_go_with_its_key_and_the_newest_may_not(books: Books, tmp_path: Path):
    await kept(books, tmp_path, ("main", "password", 1, "old"))
    key_folder.write(tmp_path / "kek-2.key", b"j" * 32)
    await kept(books, tmp_path, ("main", "password", 2, "new"))

    (tmp_path / "kek-1.key").unlink()
    assert await sets(Roots(books.mint, Envelope(tmp_path), None, lambda _: False), "main") == [{"password": "new"}]
    key_folder.write(tmp_path / "kek-1.key", b"k" * 32)
    (tmp_path / "kek-2.key").unlink()
    with pytest.raises(Unavailable) as no:
        await Roots(books.mint, Envelope(tmp_path), None, lambda _: False).sets(DEMO, "main")
    assert no.value.code == "no_kek"
