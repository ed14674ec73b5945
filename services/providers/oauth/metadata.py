"""Where an authorization server has its endpoints. RFC 8414; OpenID Connect Discovery 1.0 where there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from counterfoil_server.runtime.outbound import Answer, Outbound
from counterfoil_server.runtime.tokens.discovery import origin
from counterfoil_server.runtime.tokens.notation import json_object
from services.providers.oauth.config import Config
from services.providers.seam import Refused, Unavailable
from services.providers.web.once import Once
from services.providers.web.talk import met

KEPT = 600.0
"""Seconds. What an operator pins is not asked for at all."""


@dataclass(frozen=True, slots=True)
class Places:
    token: str
    revocation: str | None
    introspection: str | None
    authorization: str | None = None
    says_iss: bool = False
    """RFC 9207: its answers to a person's browser name it."""
    details: frozenset[str] | None = None
    """Types that it knows, by RFC 9396 section 10; None where it does not say."""
    device: str | None = None


class Metadata:
    """Asked once for each connector, however many requests wait for it."""

    def __init__(self) -> None:
        self._held: Once[Config, Places] = Once("the server's metadata did not come in time")

    async def of(self, config: Config, http: Outbound, until: float) -> Places:
        """Nothing is minted here: whatever fails is Refused or Unavailable."""
        if config.token_endpoint is not None:
            return Places(
                config.token_endpoint, config.revocation_endpoint, config.introspection_endpoint, config.authorization_endpoint,
                device=config.device_authorization_endpoint,
            )  # fmt: skip

        async def ask(_: Places | None) -> tuple[Places, float]:
            return places(config, await discovered(config, http, until)), KEPT

        return await self._held.of(config, until, ask)


async def discovered(config: Config, http: Outbound, until: float) -> Mapping[str, object]:
    busy = False
    for url in well_known(config.issuer):
        answer = await met(http, "GET", url, until, Unavailable)
        busy = busy or answer.status == httpx.codes.TOO_MANY_REQUESTS or answer.status >= httpx.codes.INTERNAL_SERVER_ERROR
        found = document(answer)
        if found is None:
            continue
        if found.get("issuer") != config.issuer:
            raise Refused("wrong_issuer", "the metadata is another issuer's: `issuer` must be what it says, byte for byte")
        return found
    if busy:
        raise Unavailable("no_metadata", "the server cannot say now where its endpoints are")
    raise Refused("no_metadata", "there is none at the issuer: check `issuer`, or pin token_endpoint and revocation_endpoint")


def well_known(issuer: str) -> tuple[str, str]:
    """The path of an issuer stands behind the well-known one by RFC 8414, and before it by OpenID Connect."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
        f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration",
    )


def document(answer: Answer) -> Mapping[str, object] | None:
    """A site that answers every path with a page has no metadata there."""
    if answer.status != httpx.codes.OK:
        return None
    try:
        return json_object(answer.body)
    except (ValueError, TypeError):
        return None


def places(config: Config, found: Mapping[str, object]) -> Places:
    """An issuer's words, so only on its own host or on one that the operator named; what is pinned is the operator's."""
    token = place(config, found.get("token_endpoint"))
    if token is None:
        raise Refused("no_token_endpoint", "the metadata names no token endpoint")
    revocation = config.revocation_endpoint or place(config, found.get("revocation_endpoint"))
    introspection = config.introspection_endpoint or place(config, found.get("introspection_endpoint"))
    authorization = config.authorization_endpoint or place(config, found.get("authorization_endpoint"))
    device = config.device_authorization_endpoint or place(config, found.get("device_authorization_endpoint"))
    says_iss = found.get("authorization_response_iss_parameter_supported") is True
    details = types(found.get("authorization_details_types_supported"))
    return Places(token, revocation, introspection, authorization, says_iss, details, device)


def types(said: object) -> frozenset[str] | None:
    return frozenset(one for one in said if isinstance(one, str)) if isinstance(said, list) else None


def place(config: Config, url: object) -> str | None:
    if not isinstance(url, str):
        return None
    scheme = urlsplit(config.issuer).scheme
    allowed = {origin(config.issuer), *(origin(f"{scheme}://{host}") for host in config.hosts)}
    try:
        named = origin(url)
    except httpx.InvalidURL:
        named = ("", "", None)
    if named not in allowed:
        raise Refused("foreign_host", "the metadata names a host that is not the issuer's: if it is right, name it in `hosts`")
    return url
