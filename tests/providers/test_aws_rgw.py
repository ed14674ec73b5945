"""AWS, on Ceph's object gateway: an STS, an IAM and an S3 that others wrote, and that enforce what was lent."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import shelf
from services.providers.abilities import Shuts
from services.providers.seam import Minted, Refused
from tests.providers.desk import CANARY, Desk, told
from tests.support.rgw import BROKER, OWNER, ROLE, Rgw

pytestmark = [pytest.mark.counterparts, pytest.mark.built]
REPORTS = ({"type": "aws", "resources": ["arn:aws:s3:::acme/reports/*"]},)


def desk_of(rgw: Rgw, secret: str = BROKER[1], **changes: Any) -> Desk:
    config = {"role_arn": ROLE, "access_key_id": BROKER[0], "sts": rgw.url, "iam": rgw.url, "network": "this_machine", **changes}
    return Desk(shelf.provider("aws"), config, {"secret_access_key": Secret(secret)}, frozenset({"s3:GetObject"}), None, REPORTS)


def parts(minted: Minted) -> Mapping[str, str]:
    found: Mapping[str, str] = json.loads(minted.secret.reveal())["credential"]
    return found


async def test_a_session_does_what_was_asked_until_it_is_denied(rgw: Rgw):
    desk = desk_of(rgw)
    minted, other = await desk.mint(), await desk.mint()
    assert minted.amiss == ""
    assert await rgw.lets(parts(minted), "get_object", "acme", "reports/1")
    assert not await rgw.lets(parts(minted), "put_object", "acme", "reports/1", Body=b"mine")
    assert not await rgw.lets(parts(minted), "get_object", "acme", "salaries/1")
    assert not await rgw.lets(parts(minted), "get_object", "globex", "reports/1")

    await desk.revoke(minted)
    await desk.revoke(minted)

    assert not await rgw.lets(parts(minted), "get_object", "acme", "reports/1")
    assert await rgw.lets(parts(other), "get_object", "acme", "reports/1")


async def test_what_the_role_may_not_the_widest_wish_does_not_get(rgw: Rgw):
    minted = await desk_of(rgw).mint(scopes=frozenset({"s3:GetObject", "s3:PutObject"}), details=({"type": "aws", "resources": ["*"]},))

    assert await rgw.lets(parts(minted), "put_object", "acme", "drafts/1", Body=b"mine")
    assert not await rgw.lets(parts(minted), "get_object", "globex", "reports/1")


async def test_a_session_whose_answer_was_lost_is_denied_by_its_name_alone(rgw: Rgw):
    desk = desk_of(rgw)
    order = desk.order()
    lost = await desk.provider.mint(order, desk.root)

    await desk.provider.revoke(desk.provider.handle(order.credential_id) or {}, desk.config, desk.root, None)

    assert not await rgw.lets(parts(lost), "get_object", "acme", "reports/1")


async def test_a_fence_that_cuts_ends_what_was_given_before_and_nothing_after(rgw: Rgw):
    desk = desk_of(rgw, cut=True)
    assert isinstance(desk.provider, Shuts)
    before = await desk.mint()

    await desk.provider.shut(desk.config, desk.root)
    await asyncio.sleep(1.1)  # the second that the cut is in is over
    after = await desk.mint()

    assert not await rgw.lets(parts(before), "get_object", "acme", "reports/1")
    assert await rgw.lets(parts(after), "get_object", "acme", "reports/1")


async def test_denials_of_what_is_over_are_swept_and_others_stay(rgw: Rgw):
    desk = desk_of(rgw)
    await desk.revoke(await desk.mint())
    kept = set(rgw.policies())
    nothing = '{"Version":"2012-10-17","Statement":[]}'
    rgw.client("iam", *OWNER).put_role_policy(RoleName="lent", PolicyName="counterfoil-2026010100-over", PolicyDocument=nothing)

    assert await desk.provider.sweep(desk.config, desk.root) == 1
    assert set(rgw.policies()) == kept


@pytest.mark.parametrize(
    ("changes", "order"),
    [({"secret": CANARY}, {}), ({"access_key_id": "NOBODYSKEY1"}, {}), ({"role_arn": "arn:aws:iam:::role/nobodys"}, {}), ({}, {"hours": 3})],
)
async def test_what_it_does_not_give_is_refused(rgw: Rgw, changes: dict[str, Any], order: dict[str, int]):
    with pytest.raises(Refused) as refused:
        await desk_of(rgw, **changes).mint(expires_at=datetime.now(UTC) + timedelta(minutes=17, **order))

    assert refused.value.code == "said_no"  # RGW gives no reason
    assert CANARY not in told(refused.value)


async def test_a_source_identity_that_it_does_not_set_is_seen(rgw: Rgw):
    """RGW knows none."""
    assert "source identity" in (await desk_of(rgw, source_identity="subject").mint()).amiss
