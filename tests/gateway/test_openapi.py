"""schemas/openapi.json: it is the routes', its examples are what it says, and the gateway keeps to it whatever comes: schemathesis asks it."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from counterfoil_server.runtime.store import database
from deploy.openapi import document
from services.gateway.openapi.document import document as made
from tests.architecture.source import ROOT
from tests.gateway.conftest import BASE, Town
from tests.gateway.identities import bearer
from tests.gateway.test_token_door import FORM, denied
from tests.support.issuer import serving

DOCUMENT = document()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does much beside this one is no database that is away. And nobody obeys here, so nobody waits for that."""
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_MS", 10_000)
    monkeypatch.setattr("services.gateway.revoke_door.PATIENCE", 0.01)


CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance",
    "negative_data_rejection", "missing_required_header", "allow_header_conformance", "ignored_auth",
)  # fmt: skip
"""Not: that valid data is taken, for what is there may not allow it; and methods, which test_v1_lists.py tries: names there have slashes."""


def test_it_is_committed():
    assert json.loads((ROOT / "schemas/openapi.json").read_text()) == json.loads(json.dumps(DOCUMENT))


def test_a_door_that_is_not_described_and_a_description_without_a_door_are_errors():
    doors = [(path, [method.upper() for method in methods]) for path, methods in DOCUMENT["paths"].items()]

    assert made(doors, "https://a")["paths"].keys() == DOCUMENT["paths"].keys()
    with pytest.raises(KeyError):
        made([*doors, ("/v1/new", ["GET"])], "https://a")
    with pytest.raises(KeyError):
        made(doors[1:], "https://a")


def examples() -> Iterator[Any]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                assert media["examples"], (method, path)
                yield from (pytest.param(media["schema"], one["value"], id=f"{method} {path} {name}") for name, one in media["examples"].items())


@pytest.mark.parametrize(("schema", "value"), list(examples()))
def test_an_example_is_what_its_schema_says(schema: Any, value: Any):
    fits(schema, value)


def fits(schema: Any, value: Any) -> None:
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


async def test_a_lent_credential_is_answered_as_described(gateway: Town):
    answer = await gateway.http.post("/oauth2/token", data=FORM)

    assert answer.status_code == 200
    fits({"$ref": "#/components/schemas/Lent"}, answer.json())


async def test_each_entrys_example_is_taken(manned: Town):
    entries = {path: methods["put"]["requestBody"]["content"]["application/json"]["examples"]["usual"]["value"]
               for path, methods in DOCUMENT["paths"].items() if "put" in methods}  # fmt: skip
    names = {"issuers": "github", "connectors": "postgres/shop", "installations": "postgres/shop@archive", "links": "web/production->postgres/shop",
             "policies": "an-hour", "operators": "https://issuer.example|ada"}  # fmt: skip
    for kind, name in names.items():
        answer = await manned.http.put(f"/v1/{kind}/{name}", json=entries[f"/v1/{kind}/{{name}}"], headers=bearer("admin"))
        assert answer.status_code == 200, answer.text


async def test_it_is_served_with_this_installations_address_and_leaks_nothing(manned: Town):
    found = (await manned.http.get("/openapi.json")).json()

    assert found["servers"] == [{"url": BASE}]
    assert {**found, "servers": DOCUMENT["servers"]} == json.loads(json.dumps(DOCUMENT))


@contextlib.asynccontextmanager
async def served(town: Town) -> AsyncIterator[str]:
    """On a real port, by a real server; registry and audit log are kept alive as their processes would."""

    async def alive() -> None:
        while True:
            await town.registry.confirm()
            await town.root.execute("UPDATE heartbeat SET at = clock_timestamp(), caught_up_to = clock_timestamp()")
            await asyncio.sleep(1)

    beating = asyncio.create_task(alive())
    listening = socket.create_server(("127.0.0.1", 0))
    try:
        async with serving(town.app, listening):
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        beating.cancel()


async def test_the_gateway_keeps_to_it_whatever_comes(manned: Town, tmp_path: Path):
    """What is lent may be fenced by what it asked before, and is refused then: here nothing is lent."""
    manned.bus.answers = lambda asked: [manned.bus.reply(asked, denied(asked, "no_link"), problem={"code": "no_link"})]
    async with served(manned) as url:
        asking = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json", "--url", url,
            "-H", f"Authorization: {bearer('admin')['authorization']}", "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing",
            "--max-examples", "4", "--seed", "7", "--generation-database", "none", "--suppress-health-check", "all", "--no-color",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path,
        )  # fmt: skip
        said, _ = await asking.communicate()

    assert asking.returncode == 0, said.decode()
    every = sum(len(methods) for methods in DOCUMENT["paths"].values())
    assert f"Tested: {every - 1}" in said.decode(), "all but the document's own address"
