"""Google Cloud, as one call sees it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from counterfoil_server.runtime.outbound import Outbound
from services.providers.google.config import Config
from services.providers.google.proof import Account, assertion
from services.providers.google.wish import Wish
from services.providers.seam import Unavailable, Unknown
from services.providers.web.document import body
from services.providers.web.talk import Heard, met, patience, post

ACCESS = "urn:ietf:params:oauth:token-type:access_token"
JWT_BEARER, EXCHANGE = "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange"
EACH = "projects/-/serviceAccounts/"


@dataclass(frozen=True, slots=True)
class Cloud:
    http: Outbound = field(repr=False)
    config: Config
    until: float

    async def own(self, known: Account) -> Heard:
        """Of the key's own account. Nothing is lent by it."""
        url = f"{self.config.oauth}/token"
        return await post(self.http, url, self.until, Unavailable, {}, (("grant_type", JWT_BEARER), ("assertion", assertion(known, url))))

    async def token(self, bearer: str, asked: Wish, seconds: int) -> Heard:
        """https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken"""
        url = f"{self.config.iam}/v1/{EACH}{quote(self.config.service_account, safe='')}:generateAccessToken"
        wanted: dict[str, object] = {"scope": asked.scopes, "lifetime": f"{seconds}s"}
        if self.config.delegates:
            wanted["delegates"] = [f"{EACH}{one}" for one in self.config.delegates]
        headers = {"Content-Type": "application/json", **bearing(bearer)}
        answer = await met(self.http, "POST", url, self.until, Unknown, headers, json.dumps(wanted).encode())
        return Heard(answer.status, body(answer.body), patience(answer.headers.get("retry-after"), datetime.now(UTC)))

    async def about(self, token: str) -> Heard:
        """What Google says of a token, which is shown in a header and in no address."""
        return await post(self.http, f"{self.config.oauth}/tokeninfo", self.until, Unavailable, bearing(token), ())

    async def narrowed(self, token: str, asked: Wish) -> Heard:
        """https://cloud.google.com/iam/docs/create-downscoped-short-lived-credentials, encoded twice as Google's own libraries do."""
        options = quote(json.dumps({"accessBoundary": {"accessBoundaryRules": asked.rules}}))
        kinds = (("subject_token_type", ACCESS), ("requested_token_type", ACCESS))
        form = (("grant_type", EXCHANGE), *kinds, ("subject_token", token), ("options", options))
        return await post(self.http, f"{self.config.sts}/v1/token", self.until, Unknown, {}, form)


def bearing(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}
