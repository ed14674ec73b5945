"""Kubernetes, on a real kube-apiserver: what is lent, what it may not, that it dies with its object, and that what nobody knows of is found."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.seam import AlreadyThere, Minted, Refused, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.support.apiserver import Apiserver
from tests.support.waiting import until

pytestmark = [pytest.mark.counterparts, pytest.mark.built]
MAPS, SECRETS = "/api/v1/namespaces/lent/configmaps", "/api/v1/namespaces/lent/secrets"
VAULT = ({"type": "kubernetes", "audiences": ["https://vault.example"]},)


def desk_of(apiserver: Apiserver, root: str, **changes: Any) -> Desk:
    config = {"server": apiserver.url, "namespace": "lent", "certificate_authority": apiserver.authority, "network": "this_machine", **changes}
    return Desk(shelf.provider("kubernetes"), config, {"token": Secret(root)}, frozenset({"reader"}), away=None)


@pytest.fixture
async def desk(apiserver: Apiserver) -> Desk:
    return desk_of(apiserver, await apiserver.token_of("counterfoil"))


def text(minted: Minted) -> str:
    return token_of(minted).text()


async def status(apiserver: Apiserver, minted: Minted, method: str = "GET", path: str = MAPS, body: object = None) -> int:
    return (await apiserver.asks(text(minted), method, path, body))[0]


def config_map() -> dict[str, Any]:
    return {"metadata": {"name": f"a{uuid4().hex}"}}


async def test_a_token_does_what_its_account_may_until_it_is_revoked(apiserver: Apiserver, desk: Desk):
    minted, other = await desk.mint(), await desk.mint(scopes=frozenset({"deployer"}))
    assert (minted.amiss, minted.granted_scopes) == ("", frozenset({"reader"}))
    assert await status(apiserver, minted) == 200
    assert await status(apiserver, minted, "POST", body=config_map()) == 403
    assert await status(apiserver, minted, path="/api/v1/namespaces/other/configmaps") == 403
    assert await status(apiserver, minted, path=SECRETS) == 403
    assert await status(apiserver, other, "POST", body=config_map()) == 201

    assert await desk.revoke(minted) is True

    async def refused() -> bool:
        return await status(apiserver, minted) == 401

    await until(refused)
    assert await status(apiserver, other) == 200
    assert await desk.revoke(minted) is False


async def test_a_token_for_another_audience_is_good_there_and_opens_nothing_here(apiserver: Apiserver, desk: Desk):
    order = desk.order(details=VAULT)
    minted = await desk.provider.mint(order, desk.root)

    assert (minted.amiss, minted.granted_details, calls.more(order, minted)) == ("", VAULT, False)
    assert await status(apiserver, minted) == 401
    spec = {"token": text(minted), "audiences": ["https://vault.example"]}
    review = await apiserver.made("/apis/authentication.k8s.io/v1/tokenreviews", spec=spec)
    assert review["status"]["user"]["username"] == "system:serviceaccount:lent:reader"


async def test_an_orphan_is_found_by_its_name_and_ended_by_it(apiserver: Apiserver, desk: Desk):
    lost = desk.order()
    minted = await desk.provider.mint(lost, desk.root)
    await apiserver.made(SECRETS, metadata={"name": f"counterfoil-{uuid4()}"})

    found = await desk.provider.alive(desk.config, desk.root)

    assert lost.credential_id in found
    assert len(await named(apiserver)) > len(found)
    assert await desk.provider.revoke(found[lost.credential_id], desk.config, desk.root, None) is True
    assert not await desk.is_alive(lost.credential_id)

    async def refused() -> bool:
        return await status(apiserver, minted) == 401

    await until(refused)


async def named(apiserver: Apiserver) -> list[str]:
    _, said = await apiserver.asks(apiserver.admin, "GET", SECRETS)
    return [one["metadata"]["name"] for one in said["items"] if one["metadata"]["name"].startswith("counterfoil-")]


async def test_its_life_is_what_was_asked_and_ten_minutes_at_least(desk: Desk):
    now = datetime.now(UTC)
    short, long = await desk.mint(expires_at=now + timedelta(minutes=1)), await desk.mint(expires_at=now + timedelta(hours=2))

    lives = [claims["exp"] - claims["iat"] for claims in (jwt.decode(text(one), options={"verify_signature": False}) for one in (short, long))]
    assert lives[0] == 600
    assert 7190 <= lives[1] <= 7200
    assert (short.amiss, long.amiss) == ("", "")
    assert (short.expires_at, long.expires_at) <= (now + timedelta(minutes=1), now + timedelta(hours=2))


async def test_a_name_is_minted_once(desk: Desk):
    order = desk.order()
    await desk.provider.mint(order, desk.root)

    with pytest.raises(AlreadyThere):
        await desk.provider.mint(order, desk.root)


@pytest.mark.parametrize(("account", "code"), [("nobody", "forbidden"), ("counterfoil", "forbidden")])
async def test_an_account_that_the_root_has_no_right_on_is_refused_and_leaves_no_object(apiserver: Apiserver, desk: Desk, account: str, code: str):
    order = desk.order(scopes=frozenset({account}))

    with pytest.raises(Refused) as refused:
        await desk.provider.mint(order, desk.root)

    assert refused.value.code == code
    assert f"counterfoil-{order.credential_id}" not in await named(apiserver)


async def test_an_account_that_is_not_there_is_refused_and_leaves_no_object(apiserver: Apiserver):
    """Of a root that may make tokens of every account."""
    made = desk_of(apiserver, apiserver.admin)
    order = made.order(scopes=frozenset({"nobody"}))

    with pytest.raises(Refused) as refused:
        await made.provider.mint(order, made.root)

    assert refused.value.code == "no_such_account"
    assert f"counterfoil-{order.credential_id}" not in await named(apiserver)


@pytest.mark.parametrize(("root", "code"), [(CANARY, "root_refused"), (None, "forbidden")])
async def test_a_root_that_is_wrong_or_may_nothing_is_refused(apiserver: Apiserver, root: str | None, code: str):
    token = root or await apiserver.token_of("reader")

    with pytest.raises(Refused) as refused:
        await desk_of(apiserver, token).mint()

    assert refused.value.code == code
    assert token not in told(refused.value)


async def test_a_cluster_whose_certificate_is_not_trusted_is_not_told_the_root(apiserver: Apiserver):
    one = UUID("8f14e45f-ceea-467f-a1e6-5c5d1a4c2b10")

    with pytest.raises(Exception, match=r"unreachable|tls") as refused:
        await desk_of(apiserver, apiserver.admin, certificate_authority=None).mint(credential_id=one)

    assert apiserver.admin not in told(refused.value)
    assert f"counterfoil-{one}" not in await named(apiserver)
