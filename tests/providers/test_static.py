"""A static key is lent as it is, only where that is said, and never called ended."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import shelf
from services.providers.seam import Irrevocable, Minted, Refused, Revocation
from tests.providers.desk import CANARY, Desk, told

KEY = "sk_live-0123/4567+="


def desk(_: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    return desk_of()


def desk_of(**config: Any) -> Desk:
    wrong = {"key": Secret(f"{CANARY}\r\nX-Admin: yes")}
    return Desk(shelf.provider("static"), config, {"key": Secret(KEY)}, frozenset({"root_secret"}), away=None, wrong_root=wrong)


def said(minted: Minted) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(minted.secret.reveal())
    return found


async def test_it_is_the_root_secret_itself_and_its_scope_says_so():
    minted = await desk_of().mint()

    assert said(minted) == {"access_token": KEY, "token_type": "Bearer", "credential": {}}
    assert minted.granted_scopes == {"root_secret"}
    assert minted.handle == {}
    assert KEY not in repr(minted)


async def test_an_api_with_a_header_of_its_own_is_no_bearer_token():
    minted = await desk_of(header="X-Api-Key").mint()

    assert said(minted) == {"access_token": KEY, "token_type": "N_A", "credential": {"header": "X-Api-Key"}}


def test_it_claims_nothing_and_warns():
    provider = shelf.provider("static")

    assert (provider.revocation, provider.ends_by_itself) == (Revocation.NONE, False)
    assert "WARNING" in str(provider.root.model_fields["key"].description)


@pytest.mark.parametrize("scopes", [frozenset(), frozenset({"read"}), frozenset({"root_secret", "read"})])
async def test_without_its_scope_alone_it_is_not_lent(scopes: frozenset[str]):
    with pytest.raises(Refused) as refused:
        await desk_of().mint(scopes=scopes)

    assert refused.value.code == "not_explicit"


async def test_it_cannot_be_narrowed():
    with pytest.raises(Refused) as refused:
        await desk_of().mint(details=({"type": "static"},))

    assert refused.value.code == "no_narrowing"


async def test_nobody_can_end_it_at_any_time():
    made = desk_of()
    minted = await made.mint(expires_at=datetime.now(UTC) + timedelta(seconds=1))

    with pytest.raises(Irrevocable) as never:
        await made.provider.revoke(minted.handle, made.config, made.root, None)

    assert never.value.until is None


@pytest.mark.parametrize("key", [b"", b"two words", b"line\n", b"\xff\xfe", "schlüssel".encode(), b"x" * 4097])
async def test_what_no_header_can_carry_is_no_key(key: bytes):
    made = desk_of()

    with pytest.raises(Refused) as refused:
        await made.provider.mint(made.order(), {"key": Secret(key)})

    assert refused.value.code == "bad_key"
    assert "words" not in told(refused.value)


@pytest.mark.parametrize("header", ["", "X Api", "X-Api\r\nY", "1st", "x" * 65])
def test_a_header_is_a_header(header: str):
    made = desk_of(header=header)

    with pytest.raises(Refused):
        made.provider.check(made.scopes, (), made.config)
