"""No secret lies in any topic, table, log or span, in any spelling; and the search would find one that did."""

import base64
import gzip
import json
import re
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from counterfoil.contracts import TOPICS
from counterfoil.wire.kafka import Record
from counterfoil_server.runtime import key_folder
from tests.support.demo import BROKER_PASSWORD
from tests.support.stranger import stranger
from tests.support.topics import everything
from tests.support.town import Town

WISH = {"connector": "postgres/demo", "scopes": ["read"]}
CANARY = "canary-5up3r-s3cr3t/äß"


def spellings(secret: bytes) -> set[bytes]:
    """Raw, hex, base64 at each of three offsets, in URLs, in JSON, in SQL's hex."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), urllib.parse.quote_from_bytes(secret).encode()}
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\x00" * offset + secret).rstrip(b"=")
            found.add(text[4 if offset else 0 : -2])
    if secret.isascii() is False or b'"' in secret:
        found.add(json.dumps(secret.decode(errors="replace"))[1:-1].encode())
    return {one for one in found if len(one) >= 12}


def unpacked(text: bytes) -> bytes:
    """What is compressed, beside itself."""
    found = [text]
    for place in re.finditer(rb"\x1f\x8b\x08", text):
        try:
            found.append(gzip.decompress(text[place.start() :]))
        except (OSError, EOFError):
            continue
    return b"\x00".join(found)


async def tables(town: Town) -> dict[str, bytes]:
    async with town.sql() as db:
        names = [row["tablename"] for row in await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {name: "\n".join(str(row[0]) for row in await db.fetch(f'SELECT t::text FROM "{name}" t')).encode() for name in names}  # noqa: S608


async def places(town: Town) -> dict[str, bytes]:
    """Everything that anybody could read without a key."""
    found = {f"topic {one.topic}/{one.partition}/{one.offset}": one.everything() for one in await everything(town.connection)}
    found |= {f"table {name}": text for name, text in (await tables(town)).items()}
    found |= {f"log {file.name}": file.read_bytes() for file in Path(town.children.logs).glob("*.log")}
    return found | {f"spans {number}": body for number, body in enumerate(town.otlp.bodies)}


def hits(where: dict[str, bytes], secrets: Iterable[tuple[str, bytes]]) -> list[str]:
    needles = [(name, needle) for name, secret in secrets for needle in spellings(secret)]
    return [f"{name} in {place}" for place, text in where.items() for body in [unpacked(text)] for name, needle in needles if needle in body]


def private_keys(keys: Path) -> list[tuple[str, bytes]]:
    return [(f"{file.parent.name}/{file.name}", key_folder.read(file).reveal()) for file in keys.rglob("*.key")]


async def everything_that_can_happen(town: Town) -> list[tuple[str, bytes]]:
    """Granted, denied, rejected, refused, revoked, on both doors. Returns the secrets that were used."""
    token, bad = await town.id_token(), await town.id_token(audience="https://other.example")
    granted = (await town.ask(token, scope="read")).json()
    await town.ask(bad, scope="read")
    await town.ask(token, scope="admin")
    await town.ask(token[:-20] + "A" * 20, scope="read")
    await town.ask(CANARY, scope="read")
    await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": granted["access_token"]}, headers={"Authorization": f"Bearer {token}"})
    async with stranger(town) as one:
        await one.asked(WISH, token=token)
        await one.asked({**WISH, "surprise": True}, token=token)
        await one.asked(WISH, token=bad)
    async with town.client(token=token) as client:
        lent = await client.exchange("postgres/demo", scopes=["read"])
    parts = token.split(".")
    return [
        ("id token", token.encode()), ("its signature", parts[2].encode()),
        ("bad token", bad.split(".")[2].encode()), ("garbage token", CANARY.encode()),
        ("lent password", granted["credential"]["password"].encode()), ("bus password", lent.parts()["password"].encode()),
        ("broker password", BROKER_PASSWORD.encode()),
        *((f"database password of {role}", word.encode()) for role, word in town.plan.passwords.items()),
        *private_keys(town.plan.keys),
    ]  # fmt: skip


@pytest.fixture
async def used(town: Town) -> list[tuple[str, bytes]]:
    return await everything_that_can_happen(town)


async def test_no_secret_shows_anywhere(town: Town, used: list[tuple[str, bytes]]):
    where = await places(town)
    assert len([name for name in where if name.startswith("topic")]) > 20
    assert any(name.startswith("spans") for name in where)
    assert hits(where, used) == []


async def test_the_search_finds_what_was_planted_in_each_kind_of_place(town: Town):
    """The control: without it a clean result would say nothing."""
    async with stranger(town) as one:
        topic = town.connection.topic(TOPICS[0])
        await one.send(Record(f"{topic}.dlq", b"planted", base64.b64encode(b"x" + CANARY.encode() * 2), [("h", gzip.compress(CANARY.encode()))]))
    async with town.sql() as db:
        await db.execute("CREATE TABLE planted (word text)")
        await db.execute("INSERT INTO planted VALUES ($1)", CANARY)
    file = Path(town.children.logs) / "planted.log"
    file.write_text(urllib.parse.quote(CANARY))
    async with httpx.AsyncClient() as http:
        await http.post(f"{town.otlp.url}/v1/metrics", content=b"..." + CANARY.encode().hex().encode())
    try:
        found = hits(await places(town), [("canary", CANARY.encode())])
    finally:
        file.unlink()
        town.otlp.bodies.pop()
        async with town.sql() as db:
            await db.execute("DROP TABLE planted")
    assert {one.split(" in ")[1].split(" ")[0] for one in found} == {"topic", "table", "log", "spans"}
