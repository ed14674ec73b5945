"""counterfoil login and logout: the device grant at a real issuer on this machine, and what is left behind."""

import json
from asyncio import sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from counterfoil.client.ambient import login_store
from tests.cli.shell import Said, Shell
from tests.client.ambient.issuer import CLIENT, DeviceIssuer
from tests.client.ambient.platform import gone, offering
from tests.client.ambient.test_developer import InMemory, ring

__all__ = ["ring"]


@asynccontextmanager
async def served(issuer: DeviceIssuer) -> AsyncIterator[DeviceIssuer]:
    async with offering(issuer.answers()) as server:
        issuer.url = server.url
        yield issuer


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await sleep(0)


async def login(sh: Shell, home: Path, issuer: str, *more: str) -> tuple[Said, Pauses]:
    sh.env = {"HOME": str(home), "COUNTERFOIL_LOGIN_CLIENT_ID": CLIENT}
    pauses = Pauses()
    with patch("counterfoil.cli.device.sleep", pauses):
        return await sh("login", "--issuer", issuer, *more), pauses


def file(home: Path) -> Path:
    return home / ".config/counterfoil/login.json"


async def test_the_user_is_told_what_to_type_and_the_id_token_is_kept(sh: Shell, tmp_path: Path):
    async with served(DeviceIssuer(says=["authorization_pending"])) as issuer:
        said, _ = await login(sh, tmp_path, issuer.url, "--store", "file", "-o", "json")

    assert said.code == 0, said.err
    assert f"open {issuer.url}/activate and type WDJB-MJHT" in said.err
    found = json.loads(said.out)
    assert (found["issuer"], found["subject"], found["audience"], found["store"]) == (issuer.url, "ada", CLIENT, "file")
    assert "canary" not in said.out + said.err
    kept = login_store.read(file(tmp_path))
    assert kept.id_token.text().count(".") == 2
    assert file(tmp_path).stat().st_mode & 0o777 == 0o600


async def test_it_polls_as_slowly_as_it_is_told(sh: Shell, tmp_path: Path):
    async with served(DeviceIssuer(says=["authorization_pending", "slow_down", "authorization_pending", "slow_down"])) as issuer:
        said, pauses = await login(sh, tmp_path, issuer.url, "--store", "file")

    assert said.code == 0, said.err
    assert pauses == [1, 1, 6, 6, 11]


@pytest.mark.parametrize(
    ("says", "words"), [("access_denied", "declined"), ("expired_token", "nobody agreed in time"), ("invalid_client", "refused: invalid_client")]
)
async def test_a_no_leaves_nothing_behind(sh: Shell, tmp_path: Path, says: str, words: str):
    async with served(DeviceIssuer(says=[says])) as issuer:
        said, _ = await login(sh, tmp_path, issuer.url)

    assert (said.code, said.out) == (4, "")
    assert words in said.err
    assert "canary" not in said.err
    assert not file(tmp_path).exists()


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"issuer": "https://another.example"}, "calls itself something else"),
        ({"device_authorization_endpoint": None}, "has no device endpoint"),
        ({"token_endpoint": "http://another.example/token"}, "in clear"),
    ],
)
async def test_an_issuer_that_cannot_be_relied_on_is_not_asked(sh: Shell, tmp_path: Path, configuration: dict[str, object], words: str):
    async with served(DeviceIssuer(configuration=configuration)) as issuer:
        said, _ = await login(sh, tmp_path, issuer.url)

    assert said.code == 4
    assert words in said.err
    assert issuer.polls == 0


@pytest.mark.parametrize("changes", [{"iss": "https://another.example"}, {"aud": "another-client"}])
async def test_a_token_of_somebody_else_is_not_kept(sh: Shell, tmp_path: Path, changes: dict[str, object]):
    async with served(DeviceIssuer(changes=changes)) as issuer:
        said, _ = await login(sh, tmp_path, issuer.url)

    assert said.code == 4
    assert not file(tmp_path).exists()


async def test_an_issuer_that_is_away_is_six_and_one_in_clear_is_not_asked(sh: Shell, tmp_path: Path):
    assert (await login(sh, tmp_path, f"http://{await gone()}"))[0].code == 6
    said, _ = await login(sh, tmp_path, "http://issuer.example")
    assert "insecure_url" in said.err


async def test_without_a_scope_of_openid_it_says_what_is_wrong(sh: Shell, tmp_path: Path):
    async with served(DeviceIssuer()) as issuer:
        said, _ = await login(sh, tmp_path, issuer.url, "--scope", "profile")

    assert said.code == 4
    assert "does not begin a login: invalid_request" in said.err


async def test_the_next_verb_uses_the_login(sh: Shell, tmp_path: Path):
    async with served(DeviceIssuer()) as issuer:
        await login(sh, tmp_path, issuer.url, "--store", "file")
        sh.env = {"HOME": str(tmp_path)}
        sh.gateway.says["/v1/whoami"] = lambda _: (200, {"subject": "ada"})
        said = await sh("whoami", "-o", "json")

    kept = login_store.read(file(tmp_path)).id_token.text()
    assert said.code == 0, said.err
    assert sh.gateway.at("/v1/whoami")[0].bearer == kept
    assert json.loads(said.out)["claims"]["sub"] == "ada"


@pytest.mark.parametrize("store", ["auto", "keyring"])
async def test_the_keyring_is_used_where_there_is_one(sh: Shell, tmp_path: Path, ring: InMemory, store: str):
    async with served(DeviceIssuer()) as issuer:
        said, _ = await login(sh, tmp_path, issuer.url, "--store", store)

    assert "kept in the keyring" in said.err
    assert "canary-refresh-1" in ring.kept["counterfoil", f"{CLIENT} at {issuer.url}"]
    assert "canary" not in file(tmp_path).read_text()


async def test_without_a_keyring_auto_is_the_file_and_keyring_is_refused(sh: Shell, tmp_path: Path):
    with patch("keyring.get_keyring") as get:
        from keyring.backends.fail import Keyring  # noqa: PLC0415 beside what it stands in for

        get.return_value = Keyring()
        async with served(DeviceIssuer()) as issuer:
            assert "login.json" in (await login(sh, tmp_path, issuer.url))[0].err
            said, _ = await login(sh, tmp_path, issuer.url, "--store", "keyring")

    assert said.code == 2
    assert "no keyring here" in said.err


async def test_logout_forgets_it_and_ends_the_refresh_token(sh: Shell, tmp_path: Path):
    async with served(DeviceIssuer()) as issuer:
        await login(sh, tmp_path, issuer.url, "--store", "file")
        assert "would be forgotten" in (await sh("logout", "--dry-run")).err
        assert file(tmp_path).exists()
        said = await sh("logout", "-o", "token")

    assert (said.code, said.out) == (0, "ada\n")
    assert issuer.revoked == ["canary-refresh-1"]
    assert not file(tmp_path).exists()
    assert "nobody is logged in" in (await sh("logout")).err


async def test_logout_of_an_issuer_that_is_away_forgets_all_the_same(sh: Shell, tmp_path: Path, ring: InMemory):
    async with served(DeviceIssuer()) as issuer:
        await login(sh, tmp_path, issuer.url)
    said = await sh("logout")

    assert said.code == 0
    assert "could not be ended" in said.err
    assert (ring.kept, file(tmp_path).exists()) == ({}, False)


async def test_logout_removes_what_it_cannot_read(sh: Shell, tmp_path: Path):
    async with served(DeviceIssuer()) as issuer:
        await login(sh, tmp_path, issuer.url, "--store", "file")
    file(tmp_path).write_text("{}")

    assert "it is removed" in (await sh("logout")).err
    assert not file(tmp_path).exists()
