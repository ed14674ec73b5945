"""The catalog at the gateway: what providers declare, and what a connector is checked by."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from counterfoil_server.runtime.settings import BadSetting
from deploy import catalog as generated
from services.gateway.catalog import FILE, Catalog
from services.gateway.own_settings import extra
from services.gateway.problems import Problem
from services.providers import shelf
from tests.gateway.conftest import Town
from tests.gateway.identities import CONFIG, bearer
from tests.gateway.test_v1_registry import get, put

CATALOG = Catalog.read()


def refused(config: Mapping[str, Any], provider: str = "postgres") -> Problem:
    with pytest.raises(Problem) as no:
        CATALOG.check("connector x", provider, config)
    return no.value


def test_the_file_says_what_the_providers_declare():
    assert json.loads(FILE.read_text()) == json.loads(json.dumps(generated.document()))
    assert [one["name"] for one in CATALOG.all()] == list(shelf.names())


def test_what_is_declared_is_taken():
    CATALOG.check("connector x", "postgres", CONFIG | {"port": 5433, "sslmode": "require"})


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"broker": None}, "broker is missing"),
    "a type": ({"port": "hunter2"}, "port has to satisfy type"),
    "too large": ({"port": 70_000}, "port has to satisfy maximum: 65535"),
    "not one of": ({"sslmode": "hunter2"}, "sslmode has to satisfy enum"),
    "a pattern": ({"host": "hunter2 hunter2"}, "host has to satisfy pattern"),
    "within a list": ({"schemas": ["a", 7]}, "schemas.1 has to satisfy type"),
    "unknown": ({"colour": "hunter2"}, "colour is not known; known are host, port"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_and_never_shown(case: str):
    more, words = WRONG[case]
    no = refused({name: value for name, value in (CONFIG | more).items() if value is not None})

    assert words in no.message
    assert (no.code, "hunter2" in no.message) == ("bad_change", False)
    assert no.fix == "GET /v1/providers/postgres has its JSON Schema."


def test_each_thing_that_is_wrong_is_said_once():
    assert refused({}).message == "connector x: config: broker is missing; database is missing; host is missing; schemas is missing"


def test_a_provider_that_nobody_knows_is_told_from_those_that_are():
    no = refused({}, "postgers")

    assert no.message == "connector x: there is no such provider"
    assert "postgres" in no.fix


def test_a_developers_own_are_taken_as_they_are_and_in_development_only():
    Catalog.read({"instant"}).check("connector x", "instant", {"whatever": 1})
    Catalog.read({"instant"}).check_secret("instant/bench", "token")

    assert extra("instant, lasting", development=True) == {"instant", "lasting"}
    assert extra("", development=False) == frozenset()
    with pytest.raises(BadSetting):
        extra("instant", development=False)


async def test_the_catalog_is_there_for_who_may_read_the_registry(manned: Town):
    every, one = await get(manned, "/v1/providers"), await get(manned, "/v1/providers/postgres")
    paged = await get(manned, "/v1/providers?limit=1")

    assert one in every["providers"]
    assert (one["revocation"], one["ends_by_itself"], list(one["root"]["properties"])) == ("by_name", False, ["password"])
    assert len(paged["providers"]) == 1
    assert (await get(manned, f"/v1/providers?cursor={paged['next']}"))["providers"] == every["providers"][1:]
    nothing = await get(manned, "/v1/providers/nothing")
    assert (nothing["code"], "postgres" in nothing["fix"]) == ("not_found", True)


async def test_a_connector_is_checked_whichever_way_it_comes(manned: Town):
    bad = {"kind": "connector", "name": "postgres/other", "config": CONFIG | {"port": "hunter2"}}

    whole = await put(manned, entries=[bad])
    single = await manned.http.put("/v1/connectors/postgres/other", json={"config": bad["config"]}, headers=bearer("admin"))
    unknown = await put(manned, entries=[{"kind": "connector", "name": "postgers/other"}], dry_run=True)

    for answer in (whole, single):
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_change")
        assert "hunter2" not in answer.text
    assert "postgres" in unknown.json()["fix"]
    assert (await get(manned, "/v1/connectors/postgres/other"))["code"] == "not_found"


async def test_an_installations_config_is_judged_in_its_connectors_place(manned: Town):
    connector = {"kind": "connector", "name": "postgres/other", "config": CONFIG}
    installation: dict[str, Any] = {"kind": "installation", "connector": "postgres/other", "installation": "archive"}

    orphan = await put(manned, entries=[installation])
    good = await put(manned, entries=[connector, installation | {"config": {"database": "archive"}}])
    bad = await put(manned, entries=[installation | {"config": {"database": 7}}])
    changed = await put(manned, entries=[connector | {"config": CONFIG | {"database": 7}}])

    assert orphan.json()["code"] == "bad_change"
    assert good.status_code == 200
    assert "installation postgres/other@archive: config: database" in bad.json()["message"]
    assert changed.status_code == 400


async def test_a_root_secret_has_a_name_that_its_provider_looks_for(manned: Town):
    answer = await put(manned, secrets=[{"connector": "postgres/demo", "field": "passwrod", "sealed": "YQ"}])
    elsewhere = await put(manned, secrets=[{"connector": "postgres/demo", "installation": "nowhere", "field": "password", "sealed": "YQ"}])

    assert (answer.status_code, answer.json()["fix"]) == (400, "It has password.")
    assert "no installation nowhere" in elsewhere.json()["message"]
    assert await manned.db.fetchval("SELECT count(*) FROM root_secret") == 0
