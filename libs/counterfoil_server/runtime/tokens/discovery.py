"""Where an issuer keeps its keys: OpenID Connect Discovery 1.0, section 4."""

from typing import Protocol

import httpx

from counterfoil.contracts.registry import Issuer
from counterfoil_server.runtime.tokens.keyset import KeySet
from counterfoil_server.runtime.tokens.notation import json_object


class Fetches(Protocol):
    """Careful http: runtime/outbound.py."""

    async def fetch_json(self, url: str) -> bytes: ...


class Misconfigured(Exception):
    """The issuer answered, with something that cannot be right."""


async def discovered(http: Fetches, issuer: Issuer) -> KeySet:
    """The issuer's key set of this moment. A pinned `jwks_uri` is the operator's word and needs no discovery."""
    return KeySet.parse(await http.fetch_json(issuer.jwks_uri or await jwks_uri(http, issuer.issuer)))


async def jwks_uri(http: Fetches, issuer: str) -> str:
    if "?" in issuer or "#" in issuer:
        raise Misconfigured("an issuer has no query and no fragment")
    document = json_object(await http.fetch_json(issuer.removesuffix("/") + "/.well-known/openid-configuration"))
    if document.get("issuer") != issuer:
        raise Misconfigured("the discovery document is another issuer's")
    uri = document.get("jwks_uri")
    if not isinstance(uri, str) or origin(uri) != origin(issuer):
        raise Misconfigured("jwks_uri is not on the issuer's origin: pin it in the issuer's entry")
    return uri


def origin(url: str) -> tuple[str, str, int | None]:
    """RFC 6454. httpx.URL takes a scheme's usual port out."""
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host, parsed.port
