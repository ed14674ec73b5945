"""A GitHub App in its users' name, as one call sees it: each call shows a token of theirs, and the app's own secret beside it.

https://docs.github.com/en/rest/apps/oauth-applications
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Answer, Outbound
from services.providers.github.app import unclear
from services.providers.github.wish import Wish
from services.providers.github_user.config import Config
from services.providers.seam import ProviderError, RootRefused, Unavailable, Unknown
from services.providers.web.document import body
from services.providers.web.talk import Heard, met, post

APP_REFUSED = ("app_refused", "GitHub does not accept the app: its client id or its secret")
UNKNOWN = {404, 422}
"""What GitHub answers of a token that it does not know, and to an app that it does not know."""


@dataclass(frozen=True, slots=True)
class Client:
    http: Outbound = field(repr=False)
    config: Config
    secret: str = field(repr=False)
    until: float

    async def token(self, **form: str) -> Heard:
        """From the login, where errors come with 200."""
        url = f"{self.config.web.rstrip('/')}/login/oauth/access_token"
        known = {"client_id": self.config.client_id, "client_secret": self.secret}
        return await post(self.http, url, self.until, Unknown, {}, [*(known | form).items()])

    async def scoped(self, token: Secret, wish: Wish) -> Answer:
        """A token of its own, for what was asked and nothing else."""
        return await self._of_the_app("POST", "/token/scoped", Unknown, wish.body(access_token=token.text(), target=wish.account))

    async def lives(self, token: Secret) -> bool:
        """Raises RootRefused where GitHub does not know the app, Unavailable where it says neither. A wrong secret may make every token look dead."""
        found = await self._shown("POST", "/token", token)
        if found.status == 401:
            raise RootRefused(*APP_REFUSED)
        if found.status not in {200, 404}:
            raise unclear("not_proven", found)
        return found.status == 200

    async def end(self, token: Secret) -> bool:
        """Revoked, or dead already (False). Where GitHub says that it did nothing, the token itself has to say that it opens nothing."""
        first = await self._shown("DELETE", "/token", token)
        if first.status == 204:
            if await self.lives(token):
                raise Unavailable("still_alive", "GitHub said that it revoked the token, and it is alive")
            return True
        if first.status not in UNKNOWN:
            raise unclear("not_revoked", first)
        if (opens := await self.opens(token)) is not False:
            raise Unavailable(
                "not_revoked", f"GitHub answered {first.status}, and {'the token is alive' if opens else 'does not say whether it is alive'}"
            )
        return False

    async def opens(self, token: Secret) -> bool | None:
        """Asked as whoever has it, so that a wrong secret of the app's does not matter; None where that is not said."""
        found = await self._ask("GET", "/user", Unavailable, {"Authorization": f"Bearer {token.text()}"})
        return False if found.status == 401 else True if found.status == 200 and "login" in body(found.body) else None

    async def leave(self, token: Secret) -> bool:
        """All that the user agreed to, and every token under it. False: this token is not one that could say so."""
        first = await self._shown("DELETE", "/grant", token)
        if first.status in UNKNOWN:
            return False
        if first.status != 204:
            raise unclear("grant_not_ended", first)
        if await self.lives(token):
            raise Unavailable("still_alive", "GitHub said that it ended the grant, and its token is alive")
        return True

    async def _shown(self, method: str, place: str, token: Secret) -> Answer:
        return await self._of_the_app(method, place, Unavailable, json.dumps({"access_token": token.text()}).encode())

    async def _of_the_app(self, method: str, place: str, lost: type[ProviderError], content: bytes) -> Answer:
        pair = base64.b64encode(f"{self.config.client_id}:{self.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
        return await self._ask(method, f"/applications/{self.config.client_id}{place}", lost, headers, content)

    async def _ask(self, method: str, path: str, lost: type[ProviderError], headers: Mapping[str, str], content: bytes | None = None) -> Answer:
        headers = {**headers, "X-GitHub-Api-Version": self.config.api_version}
        return await met(self.http, method, self.config.api.rstrip("/") + path, self.until, lost, headers, content)
