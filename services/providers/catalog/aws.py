"""AWS: sessions of a role with a session policy, each with the name of its credential, and denied by that name when it is revoked.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html

Scopes are actions, `s3:GetObject`; resources are one detail, `{"type": "aws", "resources": ["arn:aws:s3:::bucket/*"]}`.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from counterfoil.wire.secret import Secret
from services.providers.aws import given
from services.providers.aws.config import Config, RootSecret, policy
from services.providers.aws.form import assume
from services.providers.aws.query import Reply, ask, no
from services.providers.aws.role import Role, of_earlier, of_session
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
    "Ceph's object gateway, which is an STS, an IAM and an S3, and iam-simulate, which evaluates what we write as AWS would (`make test-providers`). "
    "Not against AWS: for the rest an STS and IAM of ours, and AWS' published signatures."
)
VERSION = {"sts": "2011-06-15", "iam": "2010-05-08"}
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
        now = datetime.now(UTC)
        lives = int((order.expires_at - now).total_seconds())
        if lives < LEAST:
            raise Refused("too_short", "a session lives for 15 minutes at least, and a little passes on the way: ask for 16 or more")
        self._pauses.check(config.sts_url)
        form = assume(order, config, allowed, lives)
        reply = await self._ask(config, root, "sts", until, Unknown, Action="AssumeRole", **form)
        if given.credentials(reply.body) is None:
            refusal = no(reply)
            self._pauses.note(config.sts_url, refusal.retry_after)
            raise refusal
        return given.lent(order, config, reply.status, reply.body, now + timedelta(seconds=lives))

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:  # noqa: ARG002  # by name
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
        await self._role(known, root, until).deny(of_session(session, ends))

    def handle(self, credential_id: UUID) -> Handle:
        return {"session": str(credential_id)}

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:  # noqa: ARG002  # STS lists no sessions
        return {}

    def shuts(self, config: Mapping[str, object]) -> bool:
        return read(Config, config, "config").cut

    async def shut(self, config: Mapping[str, object], root: Root) -> None:
        known, until = read(Config, config, "config"), asyncio.get_running_loop().time() + LIMIT
        await self._role(known, root, until).deny(of_earlier(datetime.now(UTC), self.longest))

    async def reopen(self, config: Mapping[str, object], root: Root) -> None:
        """What was given before stays dead: a policy that were taken away would bring it back to life."""

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:
        known, until = read(Config, config, "config"), asyncio.get_running_loop().time() + 2 * LIMIT
        return await self._role(known, root, until).sweep(datetime.now(UTC))

    async def close(self) -> None:
        return None

    def _role(self, config: Config, root: Root, until: float) -> Role:
        return Role(config.role, partial(self._ask, config, root, "iam", until, Unavailable))

    async def _ask(self, config: Config, root: Root, service: str, until: float, lost: type[ProviderError], **form: str) -> Reply:
        region, url = (config.region, config.sts_url) if service == "sts" else (config.iam_region, config.iam)
        signer = Signer(config.access_key_id, read(RootSecret, root, "root").secret_access_key, region, service)
        return await ask(self._networks.of(config.network), url, signer, until, lost, {"Version": VERSION[service], **form})


def provider() -> AWS:
    return AWS()
