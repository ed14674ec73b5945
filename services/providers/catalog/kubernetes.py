"""Kubernetes: tokens of a service account, each bound to a secret of its own that holds nothing, and that it dies with.

https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/

The one scope is the service account's name. A detail narrows it to audiences: `{"type": "kubernetes", "audiences": ["https://vault.example"]}`.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from counterfoil.wire.secret import Secret
from services.providers.kubernetes import given
from services.providers.kubernetes.cluster import Cluster, no
from services.providers.kubernetes.config import LEAST, Config, Https, RootSecret, account, audiences
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
from services.providers.web.document import Body, body
from services.providers.web.header import carried
from services.providers.web.pauses import Pauses
from services.providers.web.window import closes

PROVEN_AGAINST = "kube-apiserver 1.36 over etcd (`make test-providers`, where Go and etcd are), and its lies and faults on a server of ours."
PREFIX = "counterfoil-"
LIMIT = 3.5
"""Seconds for revoking and its proof."""


class Kubernetes:
    name = "kubernetes"
    documentation = "https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/"
    revocation = Revocation.BY_NAME
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.BY_NAME
    ends_by_itself = False  # ten minutes is the least that a cluster gives: what is lent for less is ended at its time
    shortest = timedelta(seconds=1)
    longest = timedelta(days=1)
    window = timedelta(seconds=60)  # and a request for a token that comes later finds its object gone
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._pauses, self._https = Pauses(), Https()

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        read(Config, config, "config")
        account(scopes)
        audiences(details)

    async def mint(self, order: Order, root: Root) -> Minted:
        config, until, who = read(Config, order.config, "config"), closes(order), account(order.scopes)
        wanted = list(audiences(order.details))
        self._pauses.check(config.server)
        lives = max(LEAST, order.expires_at - (now := datetime.now(UTC)))
        name = named(order.credential_id)
        cluster = self._cluster(config, config.namespace, root, until)
        try:
            uid = await cluster.bind(name)
            spec = {"audiences": wanted, "expirationSeconds": int(lives.total_seconds()),
                    "boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": name, "uid": uid}}  # fmt: skip
            answer = await self._requested(cluster, who, spec, name)
        except Unavailable as error:
            self._pauses.note(config.server, error.retry_after)
            raise
        handle: Handle = {"server": config.server, "namespace": config.namespace, "account": who, "secret": name}
        return given.lent(order, *answer, handle, spec, now + lives)

    async def _requested(self, cluster: Cluster, who: str, spec: Mapping[str, object], name: str) -> tuple[int, Body]:
        """Where there surely is no token, its object goes too; where that is not known, both are ended by their name."""
        try:
            answer = await cluster.request(who, spec)
            if given.token(said := body(answer.body)) is not None:
                return answer.status, said
            raise no(answer)
        except (Refused, Unavailable):
            try:
                await cluster.end(name)
            except ProviderError:
                raise Unknown("object_left", "there is no token, and the object for it may be left") from None
            raise

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool:  # noqa: ARG002  # by name
        known, name = read(Config, config, "config"), str(handle.get("secret"))
        if ours(name) is None:
            raise Refused("not_ours", "the handle names no object of a lent token")
        if handle.get("server", known.server) != known.server:
            raise Unavailable("server_changed", "the connector means another cluster now, and that one never gave this token")
        namespace = str(handle.get("namespace", known.namespace))
        return await self._cluster(known, namespace, root, asyncio.get_running_loop().time() + LIMIT).end(name)

    def handle(self, credential_id: UUID) -> Handle:
        return {"secret": named(credential_id)}

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:
        known = read(Config, config, "config")
        names = await self._cluster(known, known.namespace, root, asyncio.get_running_loop().time() + 2 * LIMIT).names()
        place = {"server": known.server, "namespace": known.namespace}
        return {identifier: {**place, "secret": name} for name in names if (identifier := ours(name)) is not None}

    def sole(self, config: Mapping[str, object]) -> bool:
        return read(Config, config, "config").sole

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:  # noqa: ARG002  # nothing is left behind
        return 0

    async def close(self) -> None:
        return None

    def _cluster(self, config: Config, namespace: str, root: Root, until: float) -> Cluster:
        url = f"{config.server.rstrip('/')}/api/v1/namespaces/{namespace}"
        return Cluster(self._https.of(config), url, carried(read(RootSecret, root, "root").token), until)


def provider() -> Kubernetes:
    return Kubernetes()


def named(credential_id: UUID) -> str:
    return f"{PREFIX}{credential_id}"


def ours(name: str) -> UUID | None:
    """Of a name that we gave, in the one way that we write it."""
    try:
        found = UUID(name.removeprefix(PREFIX))
    except ValueError:
        return None
    return found if name == named(found) else None
