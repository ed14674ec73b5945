"""An app at Linear, as one call sees it: it asks for a token by its secret, and ends one by showing that token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Answer, Outbound
from services.providers.linear.config import Config
from services.providers.oauth.client import text
from services.providers.seam import Unavailable, Unknown
from services.providers.web.document import body
from services.providers.web.talk import Heard, limited, met, post

UNSAID = timedelta(minutes=1)
WHO = json.dumps({"query": "{ viewer { id } }"}).encode()
"""What every token may ask, and nothing that is dead."""


@dataclass(frozen=True, slots=True)
class App:
    http: Outbound = field(repr=False)
    config: Config
    until: float

    async def token(self, secret: Secret, scope: str) -> Heard:
        client = (("client_id", self.config.client_id), ("client_secret", text(secret)))
        form = (("grant_type", "client_credentials"), ("scope", scope), *client)
        return await post(self.http, self._at("/oauth/token"), self.until, Unknown, {}, form)

    async def end(self, token: Secret) -> bool:
        """Revoked, or dead already (False), which Linear says with 400 or 401; the second look is what counts."""
        form = (("token", token.text()), ("token_type_hint", "access_token"))
        first = await post(self.http, self._at("/oauth/revoke"), self.until, Unavailable, {}, form)
        if first.status not in {200, 400, 401}:
            raise Unavailable("not_revoked", f"Linear answered {first.status}", first.retry_after)
        revoked = first.status == 200 and first.error is None
        second = await met(self.http, "POST", self._at("/graphql"), self.until, Unavailable, bearing(token), WHO)
        if opens(second):
            raise Unavailable("still_alive" if revoked else "not_revoked", f"Linear answered {first.status}, and the token still opens the workspace")
        if second.status != 401:
            raise Unavailable("not_proven", f"Linear answered {second.status}", limited(second, UNSAID))
        return revoked

    def _at(self, path: str) -> str:
        return self.config.api.rstrip("/") + path


def bearing(token: Secret) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.text()}", "Content-Type": "application/json"}


def opens(answer: Answer) -> bool:
    """Whatever the status beside it."""
    data = body(answer.body).get("data")
    return isinstance(data, dict) and data.get("viewer") is not None
