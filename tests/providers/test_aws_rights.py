"""The policies that docs/how-to/lend-aws.md gives an operator, evaluated by iam-simulate: they allow what the adapter asks, and little else."""

import json
import re

import pytest

from services.providers.abilities import Shuts
from tests.architecture.source import ROOT
from tests.providers.test_aws import desk_of
from tests.support.aws import Cloud
from tests.support.iam import ACCOUNT, Iam

TRUST, USERS = re.findall(r"```json\n(.*?)```", (ROOT / "docs/how-to/lend-aws.md").read_text(), re.DOTALL)
USER, ROLE = f"arn:aws:iam::{ACCOUNT}:user/counterfoil", f"arn:aws:iam::{ACCOUNT}:role/lent"
ALLOWED = "Allowed"


async def says(iam: Iam, action: str, resource: str = ROLE, who: str = USER, policy: str = USERS) -> str:
    """IAM and S3 look at the user's policy, STS at the role's trust policy too."""
    trust = {"resource_policy": json.loads(TRUST)} if action.startswith("sts:") else {}
    return await iam.says(who, action, resource, [policy], **trust)


async def test_whatever_the_adapter_asks_is_allowed(cloud: Cloud, iam: Iam):
    desk = desk_of(cloud.url, tags=["project={project}"], source_identity="subject", cut=True)
    assert isinstance(desk.provider, Shuts)
    await desk.revoke(await desk.mint())
    await desk.provider.shut(desk.config, desk.root)
    cloud.policies["counterfoil-2026010100-over"] = {}
    await desk.provider.sweep(desk.config, desk.root)

    asked = {form["Action"] for form in cloud.asked}
    assert asked == {"AssumeRole", "PutRolePolicy", "GetRolePolicy", "ListRolePolicies", "DeleteRolePolicy"}
    needed = [f"{'sts' if one == 'AssumeRole' else 'iam'}:{one}" for one in sorted(asked)]
    for action in (*needed, "sts:TagSession", "sts:SetSourceIdentity"):
        assert (action, await says(iam, action)) == (action, ALLOWED)


@pytest.mark.parametrize("action", ["iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:DeleteRole"])
async def test_what_else_can_be_done_to_the_role_is_not(iam: Iam, action: str):
    assert await says(iam, action) == "ImplicitlyDenied"


async def test_another_roles_policies_are_out_of_reach(iam: Iam):
    assert await says(iam, "iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/admin") == "ImplicitlyDenied"


async def test_nobody_else_may_assume_the_role(iam: Iam):
    everything = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})

    assert await says(iam, "sts:AssumeRole", who=f"arn:aws:iam::{ACCOUNT}:user/somebody", policy=everything) == "ImplicitlyDenied"
    assert await says(iam, "s3:GetObject", "arn:aws:s3:::acme/reports/1") == "ImplicitlyDenied"
