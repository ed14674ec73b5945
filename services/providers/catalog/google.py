"""Google Cloud: tokens of a service account, for some scopes and a lifetime of one's own, and of Cloud Storage for some buckets alone.

https://cloud.google.com/iam/docs/create-short-lived-credentials-direct

Scopes are Google's own, whole: `https://www.googleapis.com/auth/devstorage.read_only`. With details nothing but Cloud Storage is left, and of that
the buckets that they name: `{"type": "google", "bucket": "acme-reports", "roles": ["roles/storage.objectViewer"], "prefix": "2026/"}`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.google import given, said
from services.providers.google.bearers import Bearers
from services.providers.google.cloud import Cloud
from services.providers.google.config import Config, RootSecret
from services.providers.google.wish import Wish, wish
from services.providers.oauth.given import dead
from services.providers.oauth.given import given as heard_of
from services.providers.seam import (
    Details,
    Handle,
    Idempotency,
    Irrevocable,
    Minted,
    Order,
    ProviderError,
    Reach,
    Refused,
    Revocation,
    Root,
    read,
)  # fmt: skip
from services.providers.unnamed import Unnamed
from services.providers.web.network import Networks
from services.providers.web.pauses import Pauses
from services.providers.web.talk import Heard
from services.providers.web.window import closes

PROVEN_AGAINST = "no counterpart that others wrote: a server of ours, written by Google's documentation; nothing of it ran against Google."


class Google(Unnamed):
    name = "google"
    documentation = "https://cloud.google.com/iam/docs/create-short-lived-credentials-direct"
    revocation = Revocation.EXPIRY_ONLY
    reach = Reach.PRINCIPAL  # of the only end there is before: to disable the service account ends all of its tokens
    idempotency = Idempotency.NONE
    ends_by_itself = True
    shortest = timedelta(seconds=30)
    longest = timedelta(hours=1)
    window = timedelta(seconds=60)  # nothing in a request expires; a server that reads one later gives no answer to anyone
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._pauses, self._bearers = Networks(), Pauses(), Bearers()

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        read(Config, config, "config")
        wish(scopes, details)

    async def mint(self, order: Order, root: Root) -> Minted:
        config, until, asked = read(Config, order.config, "config"), closes(order), wish(order.scopes, order.details)
        place = f"{config.iam} {config.service_account}"
        self._pauses.check(place)
        cloud = Cloud(self._networks.of(config.network), config, until)
        try:
            known = await self._token(cloud, read(RootSecret, root, "root").key, asked, order.expires_at)
            if known.amiss or not known.scopes <= order.scopes or not asked.rules:
                return given.lent(order, known)
            return await self._narrowed(cloud, order, known, asked)
        except ProviderError as error:
            self._pauses.note(place, error.retry_after)
            raise

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:  # noqa: ARG002  # nobody can
        until = handle.get("until")
        if dead(until, datetime.now(UTC)):
            return
        ends = datetime.fromisoformat(until) if isinstance(until, str) else None
        raise Irrevocable("ends_by_itself", "nobody can end one token of a service account: to disable the account at Google ends all of them", ends)

    async def _token(self, cloud: Cloud, key: Secret, asked: Wish, latest: datetime) -> given.Token:
        bearer = await self._bearers.of(cloud, key)
        heard, secret = await self._made(cloud, bearer, asked, latest)
        if secret is None and heard.status == 401:
            heard, secret = await self._made(cloud, await self._bearers.of(cloud, key, refused=bearer), asked, latest)
        if secret is None:
            raise said.no(heard)
        try:
            about = await cloud.about(secret.text())
        except ProviderError:
            about = None  # the token is in hand: it is either lent, or said to be amiss
        return given.found(secret, heard, about, latest)

    async def _made(self, cloud: Cloud, bearer: Secret, asked: Wish, latest: datetime) -> tuple[Heard, Secret | None]:
        seconds = int((latest - datetime.now(UTC)).total_seconds())
        if seconds < 1:
            raise Refused("too_short", "the time that is left is less than a second: ask for more")
        heard = await cloud.token(bearer.text(), asked, seconds)
        return heard, given.token(heard.body)

    async def _narrowed(self, cloud: Cloud, order: Order, known: given.Token, asked: Wish) -> Minted:
        heard = await cloud.narrowed(known.secret.text(), asked)
        found = heard_of(heard)
        if found is None:
            raise said.no_narrower(heard)
        return given.narrowed(order, known, heard, found, datetime.now(UTC))


def provider() -> Google:
    return Google()
