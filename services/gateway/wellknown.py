"""What anyone may know of this installation: RFC 8414, and what clients pin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from counterfoil.wire.armor import to_url
from counterfoil.wire.log_key import VKey
from counterfoil.wire.opening_key import key_id
from counterfoil_server.runtime.keys import KeyRing, NoKey
from services.gateway.problems import Problem
from services.gateway.table import RETRYABLE, TABLE
from services.gateway.wish import GRANT, TOKEN_TYPES

SHORTLY = {"Cache-Control": "public, max-age=10", "X-Content-Type-Options": "nosniff"}
"""A new key is announced 60 s before it is used."""


@dataclass(frozen=True)
class WellKnown:
    base: str
    keys: KeyRing
    public: Mapping[str, Any]
    """Audience, topics and whatever else does not change while this process runs."""

    async def counterfoil(self, _: Request) -> Response:
        vkeys, verifier = self.keys.log_vkeys(), self._key("verifier")
        if verifier is None:
            raise Problem("unavailable", "the verifier has no key to seal to")
        found = {
            "version": 1,
            "base_url": self.base,
            "origin": named(vkeys),
            "verifier_key": verifier,
            "mint_key": self._key("mint"),
            "log_keys": vkeys,
        }
        return JSONResponse(found | dict(self.public), headers=SHORTLY)

    def _key(self, role: str) -> dict[str, str] | None:
        try:
            public = self.keys.recipient(role)
        except NoKey:
            return None
        return {"kid": key_id(public).hex(), "key": to_url(public).decode()}

    async def oauth(self, _: Request) -> Response:
        """RFC 8414. Clients are known by the token they exchange: there is no client authentication of its own."""
        return JSONResponse(
            {
                "issuer": self.base,
                "token_endpoint": f"{self.base}/oauth2/token",
                "token_endpoint_auth_methods_supported": ["none"],
                "grant_types_supported": [GRANT],
                "response_types_supported": [],
                "subject_token_types_supported": sorted(TOKEN_TYPES),
                "revocation_endpoint": f"{self.base}/oauth2/revoke",
                "introspection_endpoint": f"{self.base}/oauth2/introspect",
                "service_documentation": f"{self.base}/.well-known/counterfoil",
            },
            headers=SHORTLY,
        )


def named(vkeys: list[str]) -> str | None:
    """The log's origin is the name of its keys."""
    return VKey.parse(vkeys[0]).name if vkeys else None


async def problem_page(request: Request) -> Response:
    """Where a problem's type and docs_url lead."""
    code = request.path_params["code"]
    row = TABLE.get(code)
    if row is None:
        raise Problem("not_found", "there is no problem of that code")
    again = "Asking again may help." if code in RETRYABLE else "Asking again in the same way will not help."
    return PlainTextResponse(f"{code}: {row.title}\n\n{row.fix}\n{again}\n", headers={"Cache-Control": "public, max-age=3600"})
