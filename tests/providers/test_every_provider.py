"""What every provider promises, asked of every file in the catalog: found by itself, and red until each has a test with a desk."""

import ast
import importlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from counterfoil.wire.secret import Secret
from services.providers import catalog, shelf
from services.providers.seam import AlreadyThere, Idempotency, Reach, Refused, Revocation, Unavailable
from tests.providers.desk import CANARY, Desk, told

HERE = Path(__file__).parent
CATALOG = Path(next(iter(catalog.__path__)))
FORBIDDEN = ("counterfoil.contracts", "counterfoil.client", "counterfoil_server", "services.providers.catalog")


def with_desk(name: str):
    """A provider whose test is missing is found by the test for it, not by an error while collecting."""
    if not (HERE / f"test_{name}.py").exists():
        return pytest.param(name, marks=pytest.mark.skip("no test of its own: test_it_has_a_test_of_its_own fails"))
    return pytest.param(name, marks=getattr(importlib.import_module(f"tests.providers.test_{name}"), "pytestmark", ()))


every = pytest.mark.parametrize("name", shelf.names())


@pytest.fixture(params=[with_desk(name) for name in shelf.names()])
def desk(request: pytest.FixtureRequest) -> Desk:
    made: Desk = importlib.import_module(f"tests.providers.test_{request.param}").desk(request)
    return made


def test_there_are_providers():
    assert "postgres" in shelf.names()


@every
def test_it_has_a_test_of_its_own(name: str):
    assert (HERE / f"test_{name}.py").exists()


@every
def test_it_names_its_documentation_in_the_first_lines(name: str):
    documentation = shelf.provider(name).documentation

    assert documentation.startswith("https://")
    assert documentation in (CATALOG / f"{name}.py").read_text().split("\n")[:5]


@every
def test_it_imports_nothing_that_decides_and_no_other_provider(name: str):
    tree = ast.parse((CATALOG / f"{name}.py").read_text())
    imported = [node.module or "." * node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names]

    assert not [one for one in imported if one.startswith(FORBIDDEN) or one.startswith(".")]
    assert not [one for one in imported if one.startswith("services.") and not one.startswith("services.providers")]


@every
def test_it_declares_what_it_can_do(name: str):
    provider = shelf.provider(name)

    assert provider.name == name
    assert isinstance(provider.revocation, Revocation)
    assert isinstance(provider.reach, Reach)
    assert isinstance(provider.idempotency, Idempotency)
    assert isinstance(provider.ends_by_itself, bool)
    assert timedelta() < provider.shortest <= provider.longest
    assert timedelta() < provider.window <= timedelta(minutes=15)


@every
def test_what_does_not_end_by_itself_can_be_ended(name: str):
    provider = shelf.provider(name)

    assert provider.ends_by_itself or provider.revocation not in {Revocation.EXPIRY_ONLY, Revocation.NONE}


@every
def test_what_is_made_by_name_is_found_by_name_when_the_answer_is_lost(name: str):
    provider = shelf.provider(name)
    by_name = provider.idempotency is Idempotency.BY_NAME or provider.revocation is Revocation.BY_NAME

    assert (provider.handle(uuid4()) is not None) == by_name


@every
def test_root_secrets_are_secrets_and_config_holds_none(name: str):
    provider = shelf.provider(name)

    assert provider.root.model_fields
    assert all(field.annotation is Secret for field in provider.root.model_fields.values())
    assert not any(field.annotation is Secret for field in provider.config.model_fields.values())


@every
def test_what_an_operator_declares_is_read_strictly(name: str):
    provider = shelf.provider(name)

    for model in (provider.config, provider.root):
        assert (model.model_config["extra"], model.model_config["strict"]) == ("forbid", True)
        assert model.model_config["hide_input_in_errors"]


async def test_what_it_mints_is_within_what_was_asked(desk: Desk):
    order = desk.order()

    minted = await desk.provider.mint(order, desk.root)

    assert minted.granted_scopes <= order.scopes
    assert all(detail in order.details for detail in minted.granted_details)
    assert minted.expires_at <= order.expires_at
    await desk.revoke(minted)


async def test_the_answer_holds_the_token_and_its_parts(desk: Desk):
    minted = await desk.mint()

    answer = json.loads(minted.secret.reveal())

    assert set(answer) == {"access_token", "token_type", "credential"}
    assert answer["access_token"]
    assert answer["token_type"] == minted.token_type
    await desk.revoke(minted)


async def test_nothing_but_the_secret_shows_the_secret(desk: Desk):
    minted = await desk.mint()
    token = json.loads(minted.secret.reveal())["access_token"]

    assert token not in repr(minted)
    assert token not in json.dumps(minted.handle)
    assert not [part for part in json.loads(minted.secret.reveal())["credential"].items() if part[0] == "password" and part[1] in repr(minted)]
    await desk.revoke(minted)


async def test_a_wish_that_makes_no_sense_is_refused_and_mints_nothing(desk: Desk):
    order = desk.order(scopes=frozenset({"no such scope"}))

    with pytest.raises(Refused):
        desk.provider.check(order.scopes, order.details, order.config)
    with pytest.raises(Refused):
        await desk.provider.mint(order, desk.root)
    assert not await desk.is_alive(order.credential_id)


async def test_an_unknown_type_of_detail_is_refused(desk: Desk):
    with pytest.raises(Refused):
        desk.provider.check(desk.scopes, ({"type": "no such type"},), desk.config)


async def test_an_unknown_member_of_the_config_is_refused(desk: Desk):
    with pytest.raises(Refused):
        desk.provider.check(desk.scopes, desk.details, {**desk.config, "no_such_member": 1})


async def test_the_desks_own_wish_passes_the_check(desk: Desk):
    desk.provider.check(desk.scopes, desk.details, desk.config)


async def test_a_root_secret_that_is_refused_is_not_quoted(desk: Desk):
    with pytest.raises(Refused) as refused:
        await desk.provider.mint(desk.order(), desk.wrong_root)

    assert CANARY not in told(refused.value)
    assert "Secret(***)" in f"{desk.wrong_root}"


async def test_a_provider_that_is_away_is_unavailable_and_surely_minted_nothing(desk: Desk):
    with pytest.raises(Unavailable) as away:
        await desk.provider.mint(desk.order(config=desk.away), desk.wrong_root)

    assert CANARY not in told(away.value)


async def test_a_revocation_that_cannot_be_done_raises(desk: Desk):
    minted = await desk.mint()

    with pytest.raises(Unavailable):
        await desk.provider.revoke(minted.handle, desk.away, desk.root, minted.secret)
    await desk.revoke(minted)


async def test_a_request_after_its_window_mints_nothing(desk: Desk):
    order = desk.order(window_closes_at=datetime.now(UTC) - timedelta(seconds=1))

    with pytest.raises((Refused, Unavailable)):
        await desk.provider.mint(order, desk.root)
    assert not await desk.is_alive(order.credential_id)


async def test_revoking_twice_is_no_error(desk: Desk):
    minted = await desk.mint()

    await desk.revoke(minted)
    await desk.revoke(minted)


async def test_a_name_is_minted_once(desk: Desk):
    if desk.provider.idempotency is not Idempotency.BY_NAME:
        pytest.skip("it cannot name what it mints")
    order = desk.order()
    minted = await desk.provider.mint(order, desk.root)

    with pytest.raises(AlreadyThere):
        await desk.provider.mint(order, desk.root)
    assert await desk.is_alive(order.credential_id)
    await desk.revoke(minted)
    assert not await desk.is_alive(order.credential_id)


async def test_a_name_that_was_never_minted_can_be_revoked(desk: Desk):
    handle = desk.provider.handle(uuid4())
    if handle is None:
        pytest.skip("it cannot name what it mints")

    await desk.provider.revoke(handle, desk.config, desk.root, None)
