"""Slack, on behalf of its users: one token of a user for all that ask for them, replaced every twelve hours.

https://docs.slack.dev/authentication/using-token-rotation

Scopes are fixed when the user agrees. To revoke one token is to end all that the user agreed to: so one credential is left to its own end.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers import shared
from services.providers.consenting import Given, Kept, Lent, NeedsConsent, Place, Returned
from services.providers.oauth.given import dead
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
    answer,
    read,
)
from services.providers.slack.app import App
from services.providers.slack.config import Config, RootSecret, wish
from services.providers.slack.given import LONGEST
from services.providers.unnamed import Unnamed
from services.providers.web.network import Networks
from services.providers.web.pauses import Pauses
from services.providers.web.window import closes

PROVEN_AGAINST = "Nothing but answers in the shapes of Slack's documentation: the emulator knows no rotation and no `auth.revoke`."
LIMIT = 3.5
SLACK = timedelta(seconds=5)


class Slack(Unnamed):
    name = "slack"
    documentation = "https://docs.slack.dev/authentication/using-token-rotation"
    revocation = Revocation.BY_POSSESSION
    reach = Reach.GRANT
    idempotency = Idempotency.NONE
    ends_by_itself = False
    shortest = timedelta(seconds=1)
    longest = LONGEST
    window = timedelta(seconds=60)
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._pauses = Networks(), Pauses()
        self._ending: dict[str, Secret] = {}

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        wish(scopes, details, read(Config, config, "config"))

    async def mint(self, order: Order, root: Root) -> Minted:  # noqa: ARG002
        wish(order.scopes, order.details, read(Config, order.config, "config"))
        raise Refused("people_only", "Slack is lent on behalf of a user who agreed: name one")

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool | None:
        until, app = handle.get("until"), self._app(config, root, soon())
        if dead(until, datetime.now(UTC)):
            return None
        if handle.get("place") != app.config.place:
            raise Refused("app_changed", "the connector means another app now, and that one shall not see this token")
        if token is None:
            raise Unavailable("no_token", "nobody has the token")
        if not await app.lives(token):
            return False
        raise shared.shared(datetime.fromisoformat(until) if isinstance(until, str) else None)

    def asks(self, config: Mapping[str, object]) -> bool:
        read(Config, config, "config")
        return True

    async def place(self, config: Mapping[str, object]) -> Place:
        known = read(Config, config, "config")
        fixed = {"client_id": known.client_id, "code_challenge_method": "S256", "scope_parameter": "user_scope", "scope_separator": ","}
        return Place(known.authorize, fixed | ({"team": known.team} if known.team else {}), known.authorize)

    async def redeem(self, returned: Returned, config: Mapping[str, object], root: Root) -> Given:
        app = self._app(config, root, soon())
        wish(returned.scopes, (), app.config)
        form = ("code", returned.code.text()), ("redirect_uri", returned.redirect_uri), ("code_verifier", returned.verifier.text())
        found = await app.token(*form)
        amiss = found.amiss or ("" if found.scopes <= returned.scopes else "Slack gave more than was asked")
        if amiss:
            with suppress(ProviderError):  # as well as it can be: nobody is handed it
                await app.revoke(found.token)
        if found.refresh is None:
            raise Refused("no_rotation", amiss)
        return Given(found.refresh, found.scopes & returned.scopes, amiss)

    async def lend(self, order: Order, refresh: Secret, root: Root) -> Lent:
        app = self._app(order.config, root, closes(order))
        wish(order.scopes, order.details, app.config)
        self._pauses.check(app.config.api)
        sent = datetime.now(UTC)
        try:
            found = await app.token(*refreshing(refresh))
        except Unavailable as error:
            self._pauses.note(app.config.api, error.retry_after)
            raise
        except Refused as error:
            if error.code == "over":
                raise NeedsConsent("over", error.message) from None
            raise
        over = sent + (found.lives or timedelta())
        handle: Handle = {"place": app.config.place, "until": (datetime.now(UTC) + (found.lives or LONGEST) + SLACK).isoformat()}
        secret = answer(found.token.text(), "Bearer")
        minted = Minted(secret, "Bearer", handle, found.scopes, (), min(order.expires_at, over), found.amiss)
        return Lent(minted, found.refresh, shared.keep(order, minted, app.config.place, over))

    async def again(self, order: Order, kept: Kept, root: Root) -> Minted | None:  # noqa: ARG002
        known = read(Config, order.config, "config")
        wish(order.scopes, order.details, known)
        return shared.once_more(order, kept, known.place)

    async def good(self, refresh: Secret, config: Mapping[str, object], root: Root) -> bool | None:  # noqa: ARG002
        return None

    async def leave(self, refresh: Secret, config: Mapping[str, object], root: Root) -> None:
        await self.leave_with(refresh, None, config, root)

    async def leave_with(self, refresh: Secret, kept: Kept | None, config: Mapping[str, object], root: Root) -> None:
        """A grant is ended by a token of it. Where there is none a refresh gives one; it is remembered here until it has ended the grant."""
        app, known = self._app(config, root, soon()), hashlib.sha256(refresh.reveal()).hexdigest()
        if kept is not None and await app.revoke(shared.token(kept)):
            return
        if known not in self._ending:
            try:
                self._ending[known] = (await app.token(*refreshing(refresh))).token
            except Refused as error:
                if error.code == "over":
                    return
                raise
        await app.revoke(self._ending[known])
        del self._ending[known]

    def _app(self, config: Mapping[str, object], root: Root, until: float) -> App:
        known = read(Config, config, "config")
        return App(self._networks.of(known.network), known, read(RootSecret, root, "root").client_secret, until)


def refreshing(refresh: Secret) -> tuple[tuple[str, str], ...]:
    return ("grant_type", "refresh_token"), ("refresh_token", refresh.text())


def soon() -> float:
    return asyncio.get_running_loop().time() + LIMIT


def provider() -> Slack:
    return Slack()
