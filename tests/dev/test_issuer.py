"""The local issuer: the tokens it gives, whom it gives them to, and the keys that outlive it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from counterfoil.contracts.registry import Issuer, Mapped
from counterfoil_server.runtime.tokens.gate import verified
from counterfoil_server.runtime.tokens.keyset import KeySet
from counterfoil_server.runtime.tokens.shape import shape
from services.dev.issuer import LocalIssuer, app
from services.dev.signer import Signer
from tests.support.issuer import running

ROOT = Path(__file__).parents[2]
ASKED = {"project": "web", "environment": "production"}


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with running(LocalIssuer(Signer(tmp_path / "keys"), "counterfoil")) as url:
        yield url


async def get(url: str, host: str | None = None, **params: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url, params=params, headers={"Host": host} if host else None)


async def proven(url: str, token: str, audience: str = "counterfoil") -> dict[str, object]:
    """Through the gate, with the keys that are published now."""
    entry = Issuer(name="local", issuer=url, project=Mapped(claim="project"), environment=Mapped(claim="environment"))
    keys = KeySet.parse((await get(f"{url}/jwks")).content)
    return verified(shape(token.encode()), entry, keys, audience, datetime.now(UTC))


async def test_a_token_passes_the_gate_and_says_who_asked(url: str):
    answer = await get(f"{url}/id-token", **ASKED)
    claims = await proven(url, answer.text)
    assert answer.headers["cache-control"] == "no-store"
    assert claims["sub"] == "project:web:environment:production"
    assert (claims["iss"], claims["project"], claims["environment"]) == (url, "web", "production")
    assert set(claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "project", "environment"}
    issued, expires = (int(str(claims[name])) for name in ("iat", "exp"))
    assert expires - issued == 600


async def test_subject_and_audience_may_be_asked_for(url: str):
    answer = await get(f"{url}/id-token", **ASKED, sub="someone", audience="another")
    assert (await proven(url, answer.text, "another"))["sub"] == "someone"


async def test_no_two_tokens_have_the_same_jti(url: str):
    first, second = [(await proven(url, (await get(f"{url}/id-token", **ASKED)).text))["jti"] for _ in range(2)]
    assert first != second


@pytest.mark.parametrize("params", [{}, {"project": "web"}, {"environment": "production"}, {"project": "", "environment": "x"}], ids=str)
async def test_project_and_environment_are_wanted(url: str, params: dict[str, str]):
    assert (await get(f"{url}/id-token", **params)).status_code == 400


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "192.168.1.5"])
async def test_a_page_that_rebinds_its_name_to_this_machine_gets_nothing(url: str, host: str):
    answer = await get(f"{url}/id-token", host, **ASKED)
    assert answer.status_code == 400
    assert "eyJ" not in answer.text


async def test_only_this_machine_gets_a_token(tmp_path: Path):
    application = app(LocalIssuer(Signer(tmp_path / "keys"), "counterfoil", "http://127.0.0.1:1"))
    for client, status in (("192.168.1.5", 403), ("127.0.0.1", 200)):
        transport = httpx.ASGITransport(application, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as http:
            assert (await http.get("/id-token", params=ASKED)).status_code == status


async def test_a_restart_keeps_the_keys(tmp_path: Path):
    issuer = LocalIssuer(Signer(tmp_path / "keys"), "counterfoil")
    issuer.rotate()
    async with running(LocalIssuer(Signer(tmp_path / "keys"), "counterfoil")) as url:
        issuer.url = url
        assert (await proven(url, issuer.sign({"sub": "x"} | ASKED)))["sub"] == "x"
    assert Signer(tmp_path / "keys").jwks() == issuer.signer.jwks()


def test_a_rotation_publishes_the_keys_before_it_as_told(tmp_path: Path):
    signer = Signer(tmp_path / "keys")
    kids = [kid(signer)]
    for keep, published in ((1, 2), (1, 2), (2, 3), (0, 1)):
        signer.rotate(keep)
        kids.append(kid(signer))
        assert [key["kid"] for key in signer.jwks()["keys"]] == kids[-published:]
        assert Signer(tmp_path / "keys").jwks() == signer.jwks(), "the folder says the same"
    assert len(set(kids)) == 5


def kid(signer: Signer) -> str:
    return str(shape(signer.sign({"iss": "x"}).encode()).header["kid"])


def test_keys_are_for_their_owner_only_and_published_without_their_private_part(tmp_path: Path):
    signer = Signer(tmp_path / "keys")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()] == [0o400]
    assert set(signer.jwks()["keys"][0]) == {"kty", "n", "e", "kid", "alg", "use"}


def test_a_key_cut_short_by_a_crash_is_written_anew(tmp_path: Path):
    (tmp_path / "00000001.partial").write_bytes(b"-----BEGIN")
    signer = Signer(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["00000001.pem"]
    assert signer.sign({})


async def test_it_runs_as_a_process_of_its_own(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    settings = {"COUNTERFOIL_ISSUER_PORT": str(port), "COUNTERFOIL_ISSUER_KEYS": str(tmp_path / "keys"), "COUNTERFOIL_ISSUER_AUDIENCE": "mine"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.dev.issuer", env=os.environ | settings, cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        answer = await patiently(f"{url}/id-token", **ASKED)
        assert (await proven(url, answer.text, "mine"))["project"] == "web"
    finally:
        process.terminate()
        await process.wait()


async def patiently(url: str, **params: str) -> httpx.Response:
    async with asyncio.timeout(20):
        while True:
            try:
                return await get(url, **params)
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
