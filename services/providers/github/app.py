"""A GitHub App, as one call sees it: it asks for a token in its own name, and ends one by showing that token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Answer, Outbound
from services.providers.github.config import Config
from services.providers.github.said import limited
from services.providers.seam import ProviderError, Unavailable, Unknown
from services.providers.web.document import body
from services.providers.web.talk import met


@dataclass(frozen=True, slots=True)
class App:
    http: Outbound = field(repr=False)
    config: Config
    until: float

    async def token(self, proof: str, wish: bytes) -> Answer:
        headers = {"Content-Type": "application/json", **self._common(proof)}
        if self.config.stateless_token is not None:
            headers["X-GitHub-Stateless-S2S-Token"] = self.config.stateless_token
        return await self._ask("POST", f"/app/installations/{self.config.installation_id}/access_tokens", Unknown, headers, wish)

    async def end(self, token: Secret) -> bool:
        """Revoked, or dead already (False); the second look is what counts, and it needs a plain 401."""
        first = await self._ask("DELETE", "/installation/token", Unavailable, self._common(token.text()))
        if first.status not in {204, 401}:
            raise unclear("not_revoked", first)
        second = await self._ask("GET", "/installation/repositories?per_page=1", Unavailable, self._common(token.text()))
        if second.status == 200:
            raise Unavailable("still_alive", "GitHub said that it revoked the token, and it still opens the installation")
        if second.status != 401:
            raise unclear("not_proven", second)
        return first.status == 204

    async def suspend(self, proof: str, *, wanted: bool) -> None:
        """What counts is what the installation says of itself afterwards."""
        place = f"/app/installations/{self.config.installation_id}"
        first = await self._ask("PUT" if wanted else "DELETE", f"{place}/suspended", Unavailable, self._common(proof))
        second = await self._ask("GET", place, Unavailable, self._common(proof))
        said = body(second.body)
        if second.status != 200 or "suspended_at" not in said or (said["suspended_at"] is not None) is not wanted:
            raise unclear("not_suspended" if wanted else "still_suspended", first)

    def _common(self, bearer: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {bearer}", "X-GitHub-Api-Version": self.config.api_version}

    async def _ask(self, method: str, path: str, lost: type[ProviderError], headers: Mapping[str, str], content: bytes | None = None) -> Answer:
        return await met(self.http, method, self.config.api.rstrip("/") + path, self.until, lost, headers, content)


def unclear(code: str, answer: Answer) -> Unavailable:
    return Unavailable(code, f"GitHub answered {answer.status}", limited(answer, datetime.now(UTC)))
