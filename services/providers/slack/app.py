"""An app at Slack, for the length of one call."""

from dataclasses import dataclass, field

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Outbound
from services.providers.oauth.client import text
from services.providers.seam import ProviderError, Unavailable, Unknown
from services.providers.slack import given
from services.providers.slack.config import Config
from services.providers.slack.given import OVER, Given
from services.providers.web.talk import Heard, post


@dataclass(frozen=True, slots=True)
class App:
    http: Outbound = field(repr=False)
    config: Config
    secret: Secret = field(repr=False)
    until: float

    async def token(self, *form: tuple[str, str]) -> Given:
        proof = (("client_id", self.config.client_id), ("client_secret", text(self.secret)))
        return given.given(await self._post("oauth.v2.access", Unknown, (*form, *proof)), self.config)

    async def lives(self, token: Secret) -> bool:
        """`auth.test`."""
        heard = await self._post("auth.test", Unavailable, (), token)
        return self._yes(heard)

    async def revoke(self, token: Secret) -> bool:
        """The user's whole grant, with it. False: it was over."""
        heard = await self._post("auth.revoke", Unavailable, (), token)
        yes = self._yes(heard)
        if yes and heard.body.get("revoked") is not True:
            raise Unavailable("not_revoked", "Slack did not say that it revoked the token")
        return yes

    def _yes(self, heard: Heard) -> bool:
        if heard.body.get("ok") is True:
            return True
        if heard.error in OVER:
            return False
        raise Unavailable("not_proven", f"Slack answered {heard.status}", heard.retry_after)

    async def _post(self, method: str, lost: type[ProviderError], form: tuple[tuple[str, str], ...], token: Secret | None = None) -> Heard:
        headers = {"Authorization": f"Bearer {token.text()}"} if token else {}
        return await post(self.http, f"{self.config.api}/{method}", self.until, lost, headers, form)
