"""A developer's login: kept in a file or in the keyring, renewed where that is possible, by one process at a time."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import keyring
import pytest
from keyring.backend import KeyringBackend

from counterfoil import NoIdentity
from counterfoil.client.ambient import login_store
from counterfoil.client.ambient.login_store import Login, Where
from counterfoil.wire.secret import Secret
from tests.client.ambient.issuer import CLIENT, DeviceIssuer, jwt
from tests.client.ambient.platform import found, offering


class InMemory(KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before, ring = keyring.get_keyring(), InMemory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@asynccontextmanager
async def served(issuer: DeviceIssuer) -> AsyncIterator[DeviceIssuer]:
    async with offering(issuer.answers()) as server:
        issuer.url = server.url
        yield issuer


def login(home: Path, *, url: str = "https://issuer.example", left: float = 600, refresh: str | None = None, store: Where = "file") -> Path:
    file = home / ".config/counterfoil/login.json"
    held = jwt(iss=url, aud=CLIENT, sub="ada", iat=time.time() - 60, exp=time.time() + left)
    login_store.write(file, Login(url, CLIENT, f"{url}/token", f"{url}/revoke", Secret(held), Secret(refresh) if refresh else None, store))
    return file


def env(home: Path) -> dict[str, str]:
    return {"HOME": str(home)}


async def test_the_logins_token_is_sent_while_it_lives(tmp_path: Path):
    file = login(tmp_path)
    got = await found(env(tmp_path))

    assert got.source == "developer login"
    assert got.token == login_store.read(file).id_token
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_a_folder_of_configuration_that_is_elsewhere_is_used(tmp_path: Path):
    login(tmp_path)

    assert (await found({"XDG_CONFIG_HOME": str(tmp_path / ".config")})).source == "developer login"


async def test_the_keyring_has_the_tokens_and_the_file_does_not(tmp_path: Path, ring: InMemory):
    file = login(tmp_path, refresh="canary-refresh", store="keyring")
    got = await found(env(tmp_path))

    assert "canary" not in file.read_text()
    assert got.token.text() not in file.read_text()
    assert "canary-refresh" in ring.kept["counterfoil", f"{CLIENT} at https://issuer.example"]


async def test_a_keyring_that_forgot_is_said(tmp_path: Path, ring: InMemory):
    login(tmp_path, store="keyring")
    ring.kept.clear()
    with pytest.raises(NoIdentity, match="the keyring has the login no more"):
        await found(env(tmp_path))


async def test_a_file_that_others_can_read_is_not_used(tmp_path: Path):
    login(tmp_path).chmod(0o640)
    with pytest.raises(NoIdentity, match="can be read by others") as raised:
        await found(env(tmp_path))

    assert "chmod 600" in raised.value.fix


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"store": "file"}'])
async def test_a_file_of_another_kind_is_said(tmp_path: Path, text: str):
    file = login(tmp_path)
    file.write_text(text)
    with pytest.raises(NoIdentity, match="is not what `counterfoil login` writes"):
        await found(env(tmp_path))


async def test_an_expired_login_without_a_refresh_token_wants_a_new_one(tmp_path: Path):
    login(tmp_path, left=30)
    with pytest.raises(NoIdentity, match="the login has expired") as raised:
        await found(env(tmp_path))

    assert "counterfoil login" in raised.value.fix


@pytest.mark.parametrize("store", ["file", "keyring"])
async def test_an_expired_login_is_renewed_and_kept(tmp_path: Path, ring: InMemory, store: Where):
    async with served(DeviceIssuer()) as issuer:
        issuer._good.add("first")
        file = login(tmp_path, url=issuer.url, left=-5, refresh="first", store=store)
        got = await found(env(tmp_path))

    kept = login_store.read(file)
    assert kept.id_token == got.token
    assert kept.refresh_token == Secret("canary-refresh-1")
    assert bool(ring.kept) == (store == "keyring")


async def test_of_many_at_once_one_renews(tmp_path: Path):
    """The issuer takes each refresh token once: a second use would be refused."""
    async with served(DeviceIssuer()) as issuer:
        issuer._good.add("first")
        login(tmp_path, url=issuer.url, left=-5, refresh="first")
        got = await asyncio.gather(*(found(env(tmp_path)) for _ in range(8)))

    assert {one.token.text() for one in got} == {got[0].token.text()}
    assert issuer._made == 1


async def test_a_refresh_token_that_is_refused_wants_a_new_login(tmp_path: Path):
    async with served(DeviceIssuer()) as issuer:
        login(tmp_path, url=issuer.url, left=-5, refresh="canary-stolen")
        with pytest.raises(NoIdentity, match="HTTP 400") as raised:
            await found(env(tmp_path))

    assert "canary" not in str(raised.value)


async def test_a_renewal_without_a_token_that_lives_is_none(tmp_path: Path):
    async with served(DeviceIssuer(lifetime=10)) as issuer:
        issuer._good.add("first")
        login(tmp_path, url=issuer.url, left=-5, refresh="first")
        with pytest.raises(NoIdentity, match="gave no new ID token"):
            await found(env(tmp_path))


async def test_without_a_home_nobody_has_logged_in():
    with pytest.raises(NoIdentity, match="developer login: nobody has logged in"):
        await found({})


async def test_a_keyring_that_fails_is_named_by_its_kind_only(tmp_path: Path, ring: InMemory):
    login(tmp_path, store="keyring")
    with patch.object(ring, "get_password", side_effect=RuntimeError("canary")), pytest.raises(NoIdentity, match="RuntimeError") as raised:
        await found(env(tmp_path))

    assert "canary" not in str(raised.value)
