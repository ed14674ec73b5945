"""Kubernetes, on an API that is written by its documentation: a token is one account's, for its audiences, and dies with its object."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.seam import Minted, ProviderError, Refused, RootRefused, Unavailable, Unknown, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.providers.liar import Liar, Says
from tests.support.kubernetes import ROOT, Cluster

ONE = UUID("8f14e45f-ceea-467f-a1e6-5c5d1a4c2b10")
BASE = "/api/v1/namespaces/lent"
MAKE, ASK, OBJECT = f"{BASE}/secrets", f"{BASE}/serviceaccounts/reader/token", f"{BASE}/secrets/counterfoil-{ONE}"
VAULT = ({"type": "kubernetes", "audiences": ["https://vault.example"]},)


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    return desk_of(request.getfixturevalue("cluster").url)


def desk_of(server: str, **changes: Any) -> Desk:
    config = {"server": server, "namespace": "lent", "network": "this_machine", **changes}
    return Desk(shelf.provider("kubernetes"), config, {"token": Secret(ROOT)}, frozenset({"reader"}), away={**config, "server": "http://127.0.0.1:1"})


def text(minted: Minted) -> str:
    return token_of(minted).text()


async def test_a_token_does_what_its_account_may_until_it_is_revoked(cluster: Cluster):
    desk = desk_of(cluster.url)
    minted, other = await desk.mint(), await desk.mint(scopes=frozenset({"deployer"}))
    assert (minted.amiss, minted.granted_scopes) == ("", frozenset({"reader"}))
    assert await cluster.asks(text(minted), "GET") == 200
    assert await cluster.asks(text(minted), "POST") == 403
    assert await cluster.asks(text(minted), "GET", "other/configmaps") == 403
    assert await cluster.asks(text(other), "POST") == 201

    await desk.revoke(minted)

    assert await cluster.asks(text(minted), "GET") == 401
    assert await cluster.asks(text(other), "POST") == 201


async def test_a_token_for_another_audience_opens_nothing_here(cluster: Cluster):
    desk = desk_of(cluster.url)
    order = desk.order(details=VAULT)
    minted = await desk.provider.mint(order, desk.root)

    assert (minted.amiss, minted.granted_details) == ("", order.details)
    assert cluster.tokens[text(minted)]["audiences"] == ["https://vault.example"]
    assert await cluster.asks(text(minted), "GET") == 401


async def test_the_least_is_ten_minutes_and_more_is_as_long_as_was_asked(cluster: Cluster):
    desk, now = desk_of(cluster.url), datetime.now(UTC)
    short, long = await desk.mint(expires_at=now + timedelta(minutes=1)), await desk.mint(expires_at=now + timedelta(hours=2))

    assert cluster.tokens[text(short)]["expirationSeconds"] == 600
    assert short.expires_at == now + timedelta(minutes=1)
    assert 7190 <= cluster.tokens[text(long)]["expirationSeconds"] <= 7200
    assert long.expires_at <= now + timedelta(hours=2)


async def test_its_object_holds_nothing_and_carries_the_credentials_name(cluster: Cluster):
    desk = desk_of(cluster.url)
    minted = await desk.mint(credential_id=ONE)

    (secret,) = cluster.secrets.values()
    assert secret["metadata"]["name"] == f"counterfoil-{ONE}"
    assert not {"data", "stringData"} & secret.keys()
    assert json.loads(minted.secret.reveal())["credential"] == {"server": cluster.url, "namespace": "lent"}


async def test_an_unknown_account_is_refused_and_leaves_no_object(cluster: Cluster):
    desk = desk_of(cluster.url)
    with pytest.raises(Refused) as refused:
        await desk.mint(scopes=frozenset({"nobody"}))

    assert refused.value.code == "no_such_account"
    assert cluster.secrets == {}


async def test_every_one_is_found_on_all_pages_and_nobody_elses(cluster: Cluster):
    desk, labels = desk_of(cluster.url), {"app.kubernetes.io/managed-by": "counterfoil"}
    names = {f"counterfoil-{uuid4()}" for _ in range(1100)} | {"counterfoil-of-somebody"}
    cluster.secrets |= {name: {"metadata": {"name": name, "uid": "u", "labels": labels}} for name in names}
    cluster.secrets["foreign"] = {"metadata": {"name": f"counterfoil-{ONE}", "uid": "u"}}

    found = await desk.provider.alive(desk.config, desk.root)

    assert {one["secret"] for one in found.values()} == names - {"counterfoil-of-somebody"}


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": frozenset()},
        {"scopes": frozenset({"reader", "deployer"})},
        {"scopes": frozenset({"../secrets"})},
        {"scopes": frozenset({"Reader"})},
        {"details": (*VAULT, *VAULT)},
        {"details": ({"type": "kubernetes", "audiences": []},)},
        {"details": ({"type": "kubernetes", "audiences": ["a b"]},)},
        {"details": ({"type": "kubernetes"},)},
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_made(cluster: Cluster, changes: dict[str, Any]):
    with pytest.raises(Refused):
        await desk_of(cluster.url).mint(**changes)
    assert cluster.secrets == {}


def gives(status: int = 201, spec: dict[str, Any] | None = None, **said: Any) -> Says:
    bound = {"kind": "Secret", "apiVersion": "v1", "name": f"counterfoil-{ONE}", "uid": "u1"}
    usual = {"token": f"eyJ.{CANARY}.x", "expirationTimestamp": (datetime.now(UTC) + timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    whole = {"metadata": {"name": "reader"}, "spec": {"audiences": ["https://vault.example"], "boundObjectRef": bound} | (spec or {})}
    return Says({**whole, **{name: value for name, value in said.items() if name == "metadata"}, "status": usual | said}, status)


def said(status: int, **headers: str) -> Says:
    return Says({"kind": "Status", "message": CANARY}, status, {name.replace("_", "-"): value for name, value in headers.items()})


def gone() -> Says:
    return Says({"kind": "Status", "reason": "NotFound", "details": {"name": f"counterfoil-{ONE}", "kind": "secrets"}}, 404)


async def lied(liar: Liar, says: Says) -> tuple[Minted, bool]:
    """What came of it, and whether it is more than was asked."""
    liar.set(MAKE, Says({"metadata": {"name": "x", "uid": "u1"}}, 201))
    liar.set(ASK, says)
    made = desk_of(liar.url)
    order = made.order(credential_id=ONE, details=VAULT)
    minted = await made.provider.mint(order, made.root)
    return minted, calls.more(order, minted)


async def no(liar: Liar, says: Says) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await lied(liar, says)
    assert CANARY not in told(caught.value)
    assert ROOT not in told(caught.value)
    return caught.value


async def test_an_honest_answer_is_handed_over(liar: Liar):
    minted, more = await lied(liar, gives())

    assert (minted.amiss, more) == ("", False)


@pytest.mark.parametrize(
    "lie",
    [
        {"spec": {"boundObjectRef": None}},
        {"spec": {"boundObjectRef": {"name": "other", "uid": "u1"}}},
        {"spec": {"boundObjectRef": {"name": f"counterfoil-{ONE}", "uid": "u2"}}},
        {"expirationTimestamp": None},
        {"expirationTimestamp": CANARY},
        {"expirationTimestamp": "2999-01-01T00:00:00Z"},
        {"expirationTimestamp": "2026-01-01T00:00:00"},
        {"token": "two words"},
        {"token": "x" * 4097},
        {"status": 200},
        {"status": 500},
    ],
)
async def test_what_is_amiss_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    minted, _ = await lied(liar, gives(**lie))

    assert minted.amiss
    assert CANARY not in minted.amiss


@pytest.mark.parametrize("lie", [{"spec": {"audiences": []}}, {"spec": {"audiences": ["https://vault.example", "b"]}}, {"spec": {"audiences": None}},
                                 {"metadata": {"name": "deployer"}}])  # fmt: skip
async def test_more_than_was_asked_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    _, more = await lied(liar, gives(**lie))

    assert more


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (said(401), RootRefused, "root_refused"),
        (said(403), Refused, "forbidden"),
        (said(404), Refused, "no_such_account"),
        (said(422), Refused, "not_granted"),
        (said(302, Location="/"), Refused, "said_no"),
        (said(429, Retry_After="7"), Unavailable, "busy"),
        (said(500), Unknown, "no_token"),
        (said(201), Unknown, "no_token"),
        (Says([CANARY], 201), Unknown, "no_token"),
        (gives(token=7), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
        (Says(b"x" * 300_000, 201), Unknown, "too_large"),
    ],
)
async def test_a_no_takes_its_object_away_and_what_is_not_known_is_left_to_its_name(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    liar.set(OBJECT, Says({}), gone())
    found = await no(liar, says)

    assert (type(found), found.code) == (kind, code)
    assert len(liar.at(OBJECT)) == (0 if kind is Unknown else 2)


async def test_an_object_that_may_be_left_is_not_called_nothing(liar: Liar):
    liar.set(OBJECT, said(500))
    found = await no(liar, said(403))

    assert isinstance(found, Unknown)
    assert found.code == "object_left"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (Says({}), Says({"metadata": {}}), "still_alive"),
        (Says({}), said(404), "not_proven"),
        (Says({}), Says({"reason": "NotFound", "details": {"name": "lent", "kind": "namespaces"}}, 404), "not_proven"),
        (Says({}), said(403), "not_proven"),
        (Says({}), Says(cut=True), "unreachable"),
        (said(403), gone(), "not_revoked"),
        (said(429, Retry_After="9"), gone(), "not_revoked"),
    ],
)
async def test_it_is_dead_when_the_cluster_says_that_there_is_no_such_object(liar: Liar, first: Says, second: Says, code: str):
    liar.set(OBJECT, first, second)
    made = desk_of(liar.url)

    with pytest.raises(Unavailable) as caught:
        await made.provider.revoke({"secret": f"counterfoil-{ONE}"}, made.config, made.root, None)

    assert caught.value.code == code
    assert CANARY not in told(caught.value)


async def test_a_root_token_that_is_not_taken_is_told_apart_for_another_may_end_it(liar: Liar):
    liar.set(OBJECT, said(401))
    made = desk_of(liar.url)

    with pytest.raises(RootRefused) as caught:
        await made.provider.revoke({"secret": f"counterfoil-{ONE}"}, made.config, made.root, None)

    assert caught.value.code == "not_revoked"


async def test_a_handle_that_is_not_ours_or_another_clusters_ends_nothing(liar: Liar):
    made = desk_of(liar.url)

    with pytest.raises(Refused):
        await made.provider.revoke({"secret": "of-somebody"}, made.config, made.root, None)
    with pytest.raises(Unavailable):
        await made.provider.revoke({"secret": f"counterfoil-{ONE}", "server": "https://other"}, made.config, made.root, None)
    assert liar.asked == []


async def test_an_authority_that_is_none_is_refused(liar: Liar):
    with pytest.raises(Refused) as refused:
        await desk_of(liar.url, certificate_authority="no PEM").mint()

    assert refused.value.code == "bad_authority"
