"""A GitHub App, as one call sees it: it proves itself by a short-lived JWT, and ends a token by showing that token.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Answer, Outbound
from services.providers.github.config import Config
from services.providers.github.said import limited
from services.providers.oauth.talk import met
from services.providers.seam import ProviderError, Refused, Unavailable, Unknown

SKEW = timedelta(seconds=30)
"""GitHub's clock may be ahead of ours: a JWT that ends with the call itself would be refused there."""
BACKDATED = timedelta(seconds=60)
"""As GitHub advises, for a clock that is behind."""


@dataclass(frozen=True, slots=True)
class App:
    http: Outbound = field(repr=False)
    config: Config
    until: float

    async def token(self, key: Secret, body: bytes, closes: datetime) -> Answer:
        headers = {"Content-Type": "application/json", **self._common(proof(self.config.app, key, closes))}
        if self.config.stateless_token is not None:
            headers["X-GitHub-Stateless-S2S-Token"] = self.config.stateless_token
        return await self._ask("POST", f"/app/installations/{self.config.installation_id}/access_tokens", Unknown, headers, body)

    async def end(self, token: Secret) -> None:
        """Revoked, or dead already; the second look is what counts, and it needs a plain 401."""
        first = await self._ask("DELETE", "/installation/token", Unavailable, self._common(token.text()))
        if first.status not in {204, 401}:
            raise unclear("not_revoked", first)
        second = await self._ask("GET", "/installation/repositories?per_page=1", Unavailable, self._common(token.text()))
        if second.status == 200:
            raise Unavailable("still_alive", "GitHub said that it revoked the token, and it still opens the installation")
        if second.status != 401:
            raise unclear("not_proven", second)

    def _common(self, bearer: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {bearer}", "X-GitHub-Api-Version": self.config.api_version}

    async def _ask(self, method: str, path: str, lost: type[ProviderError], headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        return await met(self.http, method, self.config.api.rstrip("/") + path, self.until, lost, headers, body)


def unclear(code: str, answer: Answer) -> Unavailable:
    return Unavailable(code, f"GitHub answered {answer.status}", limited(answer, datetime.now(UTC)))


def proof(app: str, key: Secret, closes: datetime) -> str:
    """Its end is that of the request: what is still on its way then is refused by GitHub itself."""
    now = datetime.now(UTC)
    claims = {"iss": app, "iat": int((now - BACKDATED).timestamp()), "exp": int((closes + SKEW).timestamp())}
    try:
        return jwt.encode(claims, key.reveal(), "RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        pass
    raise Refused("bad_key", "the root secret is no private key of an app: GitHub gives one as a PEM file")
