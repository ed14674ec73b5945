"""Kafka's jars are exactly the listed ones, or nothing starts."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from services.dev import jars, kafka
from services.dev.children import Children
from services.dev.ports import free_port
from services.dev.trouble import Trouble
from tests.support.parts import say

WANTED = {"a.jar": hashlib.sha256(b"a").hexdigest(), "b.jar": hashlib.sha256(b"b").hexdigest()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "jars" / jars.KAFKA
    folder.mkdir(parents=True)
    (folder / "a.jar").write_bytes(b"a")
    (folder / "b.jar").write_bytes(b"b")
    return folder


def test_the_listed_jars_are_good_and_a_changed_one_is_named(folder: Path):
    jars.check(folder, WANTED)
    (folder / "b.jar").write_bytes(b"B")

    with pytest.raises(Trouble, match=r"b\.jar has another sha256"):
        jars.check(folder, WANTED)


def test_a_missing_jar_is_named(folder: Path):
    (folder / "a.jar").unlink()

    with pytest.raises(Trouble, match=r"a\.jar is missing"):
        jars.check(folder, WANTED)


def test_a_jar_too_many_is_named(folder: Path):
    (folder / "evil.jar").write_bytes(b"")

    with pytest.raises(Trouble, match=r"evil\.jar does not belong there"):
        jars.check(folder, WANTED)


def test_our_list_holds_kafka_and_its_logging_and_names_no_host():
    names = jars.listed()

    assert len(names) == 46
    assert {"kafka_2.13-4.3.1.jar", "kafka-clients-4.3.1.jar", "log4j-core-2.25.2.jar"} <= names.keys()
    assert {len(digest) for digest in names.values()} == {64}
    assert "://" not in jars.LIST.read_text()


async def test_kafka_does_not_start_on_a_wrong_jar(folder: Path, tmp_path: Path):
    async with Children(tmp_path / "run") as children:
        with pytest.raises(Trouble, match="jars"):
            await kafka.start(children, free_port(), free_port(), say, cache=tmp_path)

        assert list(children.logs.iterdir()) == []
    assert folder.exists()


async def test_without_a_network_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    async with Children(tmp_path / "run") as children:
        with pytest.raises(Trouble) as caught:
            async with asyncio.timeout(120):
                await jars.ready(children, say, cache=tmp_path)

    assert "could not be fetched" in caught.value.what
    assert "network" in caught.value.fix
    assert list((tmp_path / "jars").iterdir()) == []
