"""What the adapter writes into AWS, evaluated by iam-simulate: a session policy narrows, and what ends a session ends that one alone."""

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.providers.abilities import Shuts
from services.providers.aws.role import of_earlier
from services.providers.seam import Minted
from tests.providers.test_aws import READ, THERE, desk_of
from tests.support.aws import ROLE_POLICY, Cloud
from tests.support.iam import ACCOUNT, Iam

ONE, OTHER = UUID("8f14e45f-ceea-467f-a1e6-5c5d1a4c2b10"), UUID("8f14e45f-ceea-467f-a1e6-5c5d1a4c2b11")
ROLES_OWN = json.dumps({"Version": "2012-10-17", "Statement": [ROLE_POLICY]})
REPORT = "arn:aws:s3:::acme/reports/1"
ALLOWED, BEYOND, ENDED = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"


class Account:
    """What AWS holds after the adapter has been there: the forms it really sent, and nothing that a test put together."""

    def __init__(self, cloud: Cloud, iam: Iam) -> None:
        self._cloud, self._iam, self.role = cloud, iam, ROLES_OWN

    def sent(self, action: str, member: str) -> list[str]:
        return [form[member] for form in self._cloud.asked if form["Action"] == action]

    async def lets(self, session: UUID, action: str, resource: str, issued: datetime | None = None) -> str:
        """Whoever holds the session's keys, asking S3."""
        (form,) = (one for one in self._cloud.asked if one.get("RoleSessionName") == str(session))
        at = (issued or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = {f"aws:PrincipalTag/{key}": value for key, value in tags(form).items()}
        context = {"aws:userid": f"AROAEXAMPLE:{session}", "aws:TokenIssueTime": at, **told}
        policies = [self.role, *self.sent("PutRolePolicy", "PolicyDocument")]
        who = f"arn:aws:sts::{ACCOUNT}:assumed-role/lent/{session}"
        return await self._iam.says(who, action, resource, policies, form["Policy"], context=context)

    async def lets_long_term_keys(self, action: str, resource: str) -> str:
        """Even of a user that the policies against sessions stand on: it is no session of any name, and no token was issued to it."""
        policies = [self.role, *self.sent("PutRolePolicy", "PolicyDocument")]
        who = f"arn:aws:iam::{ACCOUNT}:user/somebody"
        return await self._iam.says(who, action, resource, policies, context={"aws:userid": "AIDAEXAMPLE"})


def tags(form: dict[str, str]) -> dict[str, str]:
    return {form[name]: form[name.removesuffix("Key") + "Value"] for name in form if re.fullmatch(r"Tags\.member\.\d+\.Key", name)}


@pytest.fixture
def account(cloud: Cloud, iam: Iam) -> Account:
    return Account(cloud, iam)


async def lend(cloud: Cloud, session: UUID = ONE, *actions: str, resources: tuple[str, ...] = (THERE,)) -> Minted:
    details = ({"type": "aws", "resources": list(resources)},)
    return await desk_of(cloud.url).mint(credential_id=session, scopes=frozenset(actions or {READ}), details=details)


@pytest.mark.parametrize(
    ("action", "resource", "says"),
    [
        ("s3:GetObject", REPORT, ALLOWED),
        ("s3:PutObject", REPORT, BEYOND),
        ("s3:DeleteObject", REPORT, BEYOND),
        ("s3:GetObject", "arn:aws:s3:::acme/salaries/1", BEYOND),
        ("s3:GetObject", "arn:aws:s3:::globex/reports/1", BEYOND),
        ("s3:ListBucket", "arn:aws:s3:::acme", BEYOND),
    ],
)
async def test_a_session_may_what_was_asked_and_nothing_beyond(cloud: Cloud, account: Account, action: str, resource: str, says: str):
    await lend(cloud)

    assert await account.lets(ONE, action, resource) == says


async def test_what_the_role_may_not_the_widest_wish_does_not_get(cloud: Cloud, account: Account):
    await lend(cloud, ONE, "s3:Get*", "dynamodb:GetItem", resources=("*",))

    assert await account.lets(ONE, "s3:GetObjectTagging", REPORT) == ALLOWED
    assert await account.lets(ONE, "s3:GetObject", "arn:aws:s3:::globex/1") == BEYOND
    assert await account.lets(ONE, "s3:PutObject", REPORT) == BEYOND
    assert await account.lets(ONE, "dynamodb:GetItem", f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/salaries") == BEYOND


async def test_several_actions_and_resources_are_each_allowed_with_each(cloud: Cloud, account: Account):
    await lend(cloud, ONE, "s3:GetObject", "s3:PutObject", resources=(THERE, "arn:aws:s3:::acme/drafts/*"))

    for action in ("s3:GetObject", "s3:PutObject"):
        for resource in (REPORT, "arn:aws:s3:::acme/drafts/1"):
            assert await account.lets(ONE, action, resource) == ALLOWED
    assert await account.lets(ONE, "s3:PutObject", "arn:aws:s3:::acme/salaries/1") == BEYOND


async def test_a_session_that_is_ended_may_nothing_and_every_other_as_before(cloud: Cloud, account: Account):
    desk, ended = desk_of(cloud.url), await lend(cloud)
    await lend(cloud, OTHER)
    assert await account.lets(ONE, READ, REPORT) == ALLOWED

    await desk.revoke(ended)

    assert await account.lets(ONE, READ, REPORT) == ENDED
    assert await account.lets(OTHER, READ, REPORT) == ALLOWED
    assert await account.lets(OTHER, "s3:PutObject", REPORT) == BEYOND
    assert await account.lets_long_term_keys(READ, REPORT) == ALLOWED


async def test_two_that_are_ended_are_both_ended(cloud: Cloud, account: Account):
    desk = desk_of(cloud.url)
    first, second = await lend(cloud), await lend(cloud, OTHER)

    await desk.revoke(first)
    await desk.revoke(second)

    assert await account.lets(ONE, READ, REPORT) == ENDED
    assert await account.lets(OTHER, READ, REPORT) == ENDED


async def test_a_fence_that_cuts_ends_what_was_given_before_and_nothing_after(cloud: Cloud, account: Account):
    desk, now = desk_of(cloud.url, cut=True), datetime.now(UTC)
    assert isinstance(desk.provider, Shuts)
    assert desk.provider.shuts(desk.config)
    await lend(cloud)

    await desk.provider.shut(desk.config, desk.root)
    await desk.provider.reopen(desk.config, desk.root)

    for before in (timedelta(), timedelta(minutes=1), timedelta(hours=11)):
        assert await account.lets(ONE, READ, REPORT, now - before) == ENDED
    assert await account.lets(ONE, READ, REPORT, now + timedelta(seconds=30)) == ALLOWED
    assert await account.lets_long_term_keys(READ, REPORT) == ALLOWED


def test_a_cut_ends_what_was_given_in_its_very_second():
    """AWS tells 12:00:00 of a session that it gave at 12:00:00.3."""
    cut = of_earlier(datetime(2026, 11, 28, 12, 0, 0, 700_000, UTC), timedelta(hours=12))

    assert (cut.name, cut.tells) == ("counterfoil-2026112900-earlier", "2026-11-28T12:00:01Z")


async def test_what_the_session_is_told_can_narrow_it_too(cloud: Cloud, account: Account):
    """A role that everybody shares, each project in a folder of its own."""
    desk = desk_of(cloud.url, tags=["project={project}"])
    wish = ({"type": "aws", "resources": ["arn:aws:s3:::acme/*"]},)
    await desk.mint(credential_id=ONE, details=wish)
    mine = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::acme/${aws:PrincipalTag/project}/*"]}
    account.role = json.dumps({"Version": "2012-10-17", "Statement": [mine]})

    assert await account.lets(ONE, READ, "arn:aws:s3:::acme/web/1") == ALLOWED
    assert await account.lets(ONE, READ, "arn:aws:s3:::acme/shop/1") == BEYOND
