"""What an operator declares of a role, and what a request asks of it: actions as scopes, resources as its one detail."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from counterfoil.wire.secret import Secret
from services.providers.seam import Declared, Details, Refused, read

URL = r"^https?://[A-Za-z0-9.:-]+/?$"
ACTION = re.compile(r"[a-z0-9-]{1,64}:[A-Za-z0-9]{1,128}\*?")
Resource = Annotated[str, Field(pattern=r'^(\*|arn:[^\s"\\]+)$', max_length=1024)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/+@-]{1,128}$")]
Tag = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_.:/+@-]{1,128}=([A-Za-z0-9 _.:/=+@-]|\{(project|environment|subject|connector|credential)\}){0,64}$")
]
LARGEST_POLICY = 2048


class Config(Declared):
    role_arn: str = Field(pattern=r"^arn:[a-z-]+:iam::(\d{12})?:role/[A-Za-z0-9_+=,.@/-]{1,512}$")
    access_key_id: str = Field(pattern=r"^[A-Za-z0-9]{4,128}$", description="of the user or role that may assume it, and may put policies on it")
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,32}$", description="of the STS that is asked")
    external_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$")
    source_identity: Literal["credential", "subject"] | None = Field(
        default=None,
        description="the credential's id, or the subject's hash as the audit log has it; the role's trust policy must allow sts:SetSourceIdentity",
    )
    tags: tuple[Tag, ...] = Field(
        default=(),
        strict=False,
        max_length=50,
        description="of each session: KEY=VALUE, where VALUE may hold {project}, {environment}, {subject}, "
        "{connector} and {credential}; the role's trust policy must allow sts:TagSession",
    )
    transitive_tags: tuple[Key, ...] = Field(
        default=(), strict=False, max_length=50, description="keys of the tags that go on to the sessions which a session makes of other roles"
    )
    cut: bool = Field(
        default=False, description="while the connector is fenced, and ever after: no session that the role gave before, to whomever, opens anything"
    )
    sts: str | None = Field(default=None, pattern=URL, max_length=256, description="another address of STS than the region's own")
    iam: str = Field(default="https://iam.amazonaws.com/", pattern=URL, max_length=256)
    iam_region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,32}$", description="that IAM's requests are signed for")
    network: Literal["internet", "inside", "this_machine"] = Field(
        default="internet", description="where they may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
    )

    @model_validator(mode="after")
    def tags_fit(self) -> Self:
        """To AWS, keys that differ in case alone are one."""
        keys = [one.partition("=")[0] for one in self.tags]
        if len({one.lower() for one in keys}) < len(keys) or any(one.lower().startswith("aws:") for one in keys):
            raise ValueError("each key once, and none of AWS's own")
        if len(set(self.transitive_tags)) < len(self.transitive_tags) or not set(self.transitive_tags) <= set(keys):
            raise ValueError("only keys of tags, each once")
        return self

    @property
    def tagged(self) -> Mapping[str, str]:
        return dict(one.split("=", 1) for one in self.tags)

    @property
    def role(self) -> str:
        return self.role_arn.rpartition("/")[2]

    @property
    def sts_url(self) -> str:
        return self.sts or f"https://sts.{self.region}.amazonaws.com/"


class RootSecret(Declared):
    secret_access_key: Secret


class Resources(Declared):
    type: Literal["aws"]
    resources: tuple[Resource, ...] = Field(strict=False, min_length=1, max_length=32)


def policy(scopes: frozenset[str], details: Details) -> str:
    """The session policy: what is lent is what the role may and this allows. Both are always named: without one a session has all of the role."""
    if not scopes or not all(ACTION.fullmatch(one) for one in scopes):
        raise Refused("no_action", "name at least one action as a scope, as s3:GetObject")
    if len(details) != 1:
        raise Refused("no_resource", 'name the resources in one detail: {"type": "aws", "resources": ["arn:aws:s3:::bucket/*"]}')
    resources = sorted(set(read(Resources, details[0], "detail").resources))
    statement = {"Effect": "Allow", "Action": sorted(scopes), "Resource": resources}
    made = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    if len(made) > LARGEST_POLICY:
        raise Refused("too_much", "the session policy of this wish is longer than 2048 characters: ask for less at once")
    return made
