"""AWS: sessions of a role with a session policy, each with the name of its credential, and denied by that name when it is revoked.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html

Scopes are actions, `s3:GetObject`; resources are one detail, `{"type": "aws", "resources": ["arn:aws:s3:::bucket/*"]}`.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from counterfoil.wire.secret import Secret
from services.providers.aws import given
from services.providers.aws.config import Config, RootSecret, policy
from services.providers.aws.query import Reply, ask, no, within
from services.providers.aws.signing import Signer
from services.providers.seam import (
    Details,
    Handle,
    Idempotency,
    Minted,
    Order,
    ProviderError,
    Reach,
    Refused,
    Revocation,
    Root,
    Unavailable,
    Unknown,
    read,
)  # fmt: skip
from services.providers.web.network import Networks
from services.providers.web.pauses import Pauses
from services.providers.web.window import closes

PROVEN_AGAINST = (
    "iam-simulate: what a session policy lets through, and whom a denial ends. For the rest an STS and an IAM of ours, by AWS' documentation, "
    "and the signatures against AWS' published examples."
)
PREFIX, VERSION, HOUR = "counterfoil-", {"sts": "2011-06-15", "iam": "2010-05-08"}, "%Y%m%d%H"
LEAST = 900
"""Seconds: no session lives shorter, and one that did outlive what was lent would have to be denied each time."""
LIMIT = 3.5
"""Seconds for revoking and its proof."""


class AWS:
    name = "aws"
    documentation = "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"
    revocation = Revocation.BY_PRINCIPAL  # by a policy on the role that denies one session: STS itself can end none
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.NONE
    ends_by_itself = True
    shortest = timedelta(minutes=16)
    longest = timedelta(hours=12)
    window = timedelta(minutes=15)  # as long as a signature is good
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._pauses = Networks(), Pauses()

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        read(Config, config, "config")
        policy(scopes, details)

    async def mint(self, order: Order, root: Root) -> Minted:
        config, until, allowed = read(Config, order.config, "config"), closes(order), policy(order.scopes, order.details)
        now, name = datetime.now(UTC), str(order.credential_id)
        lives = int((order.expires_at - now).total_seconds())
        if lives < LEAST:
            raise Refused("too_short", "a session lives for 15 minutes at least, and a little passes on the way: ask for 16 or more")
        self._pauses.check(config.sts_url)
        form = {"RoleArn": config.role_arn, "RoleSessionName": name, "DurationSeconds": str(lives), "Policy": allowed}
        form |= {"SourceIdentity": name} if config.source_identity else {}
        form |= {"ExternalId": config.external_id} if config.external_id else {}
        reply = await self._ask(config, root, "sts", until, Unknown, Action="AssumeRole", **form)
        if given.credentials(reply.body) is None:
            refusal = no(reply)
            self._pauses.note(config.sts_url, refusal.retry_after)
            raise refusal
        return given.lent(order, config, reply.status, reply.body, now + timedelta(seconds=lives))

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:  # noqa: ARG002  # by name
        """One policy a session: two that are ended at once do not overwrite each other. Over when IAM shows it; it spreads in seconds."""
        known, until = read(Config, config, "config"), asyncio.get_running_loop().time() + LIMIT
        try:
            session = UUID(str(handle.get("session")))
        except ValueError:
            raise Refused("not_ours", "the handle names no session that was lent") from None
        if handle.get("role", known.role_arn) != known.role_arn:
            raise Unavailable("role_changed", "the connector means another role now: set role_arn back until this is revoked")
        said = handle.get("until")
        ends = datetime.fromisoformat(said) if isinstance(said, str) else datetime.now(UTC) + self.window + self.longest
        if ends < datetime.now(UTC) - given.SLACK:
            return
        about = {"RoleName": known.role, "PolicyName": f"{PREFIX}{ends.astimezone(UTC):{HOUR}}-{session}"}
        put = await self._ask(known, root, "iam", until, Unavailable, Action="PutRolePolicy", PolicyDocument=denied(session), **about)
        if put.status != 200 or put.error:
            raise unclear("no_room" if put.error == "LimitExceeded" else "not_revoked", put)
        shown = await self._ask(known, root, "iam", until, Unavailable, Action="GetRolePolicy", **about)
        if within(shown.body, "GetRolePolicyResponse", "GetRolePolicyResult").get("PolicyName") != about["PolicyName"] or shown.status != 200:
            raise unclear("not_proven", shown)

    def handle(self, credential_id: UUID) -> Handle:
        return {"session": str(credential_id)}

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:  # noqa: ARG002  # STS lists no sessions
        return {}

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:
        """Policies against sessions that are over by themselves."""
        known, until = read(Config, config, "config"), asyncio.get_running_loop().time() + 2 * LIMIT
        listed = await self._ask(known, root, "iam", until, Unavailable, Action="ListRolePolicies", RoleName=known.role, MaxItems="1000")
        names = within(listed.body, "ListRolePoliciesResponse", "ListRolePoliciesResult").get("PolicyNames")
        if listed.status != 200 or listed.error:
            raise unclear("not_listed", listed)
        over = f"{PREFIX}{datetime.now(UTC) - timedelta(hours=1):{HOUR}}"
        done = (
            [one for one in names if isinstance(one, str) and one.startswith(PREFIX) and one[: len(over)] < over] if isinstance(names, list) else []
        )
        for one in done:
            await self._ask(known, root, "iam", until, Unavailable, Action="DeleteRolePolicy", RoleName=known.role, PolicyName=one)
        return len(done)

    async def close(self) -> None:
        return None

    async def _ask(self, config: Config, root: Root, service: str, until: float, lost: type[ProviderError], **form: str) -> Reply:
        region, url = (config.region, config.sts_url) if service == "sts" else (config.iam_region, config.iam)
        signer = Signer(config.access_key_id, read(RootSecret, root, "root").secret_access_key, region, service)
        return await ask(self._networks.of(config.network), url, signer, until, lost, {"Version": VERSION[service], **form})


def provider() -> AWS:
    return AWS()


def denied(session: UUID) -> str:
    condition = {"StringLike": {"aws:userid": f"*:{session}"}}
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": statement}, separators=(",", ":"))


def unclear(code: str, reply: Reply) -> Unavailable:
    return Unavailable(code, f"IAM answered {reply.status}", reply.busy)
