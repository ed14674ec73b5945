"""Who gives tokens for an MCP server, and for what: its challenge, its metadata (RFC 9728), and its authorization server's (RFC 8414)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Answer, Outbound
from counterfoil_server.runtime.tokens.discovery import origin
from services.providers.mcp.config import Config
from services.providers.oauth import metadata
from services.providers.oauth.metadata import KEPT, Places
from services.providers.seam import Refused, Unavailable
from services.providers.web.once import Once
from services.providers.web.talk import met

WELL_KNOWN = "/.well-known/oauth-protected-resource"
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
PARAMETER = re.compile(r'\b(resource_metadata|scope)\s*=\s*(?:"([^"\\]*)"|([^\s,"]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """`scopes`: empty where the server says none."""

    issuer: str
    scopes: frozenset[str]
    places: Places


class Discovery:
    def __init__(self) -> None:
        self._held: Once[Config, Found] = Once("the server's metadata did not come in time")

    async def of(self, config: Config, http: Outbound, until: float) -> Found:
        """Nothing is minted here: whatever fails is Refused or Unavailable."""

        async def ask(before: Found | None) -> tuple[Found, float]:
            found = await discovered(config, http, until)
            if before is not None and before.issuer != found.issuer:
                raise moved()
            return found, KEPT

        return await self._held.of(config, until, ask)


def moved() -> Refused:
    return Refused("issuer_changed", "the server names another authorization server than before: that one is shown nothing of this one's")


async def discovered(config: Config, http: Outbound, until: float) -> Found:
    challenge = await challenged(config, http, until)
    said = await described(config, http, until, challenge.get("resource_metadata"))
    issuer = chosen(config, said.get("authorization_servers"))
    client = config.client(issuer)
    found = await metadata.discovered(client, http, until)
    if "S256" not in listed(found.get("code_challenge_methods_supported")):
        raise Refused("no_pkce", "the authorization server does not say that it can PKCE with S256")
    if config.client_id.startswith("https://") and found.get("client_id_metadata_document_supported") is not True:
        raise Refused("no_client_documents", "the authorization server takes no client ID metadata document: register a client there")
    scopes = frozenset(challenge["scope"].split()) if challenge.get("scope") else listed(said.get("scopes_supported"))
    if config.scopes and challenge.get("scope") and not scopes <= frozenset(config.scopes):
        raise Refused("scopes_changed", "the server's challenge names a scope that is not among `scopes` of the connector")
    return Found(issuer, frozenset(config.scopes) or scopes, metadata.places(client, found))


async def challenged(config: Config, http: Outbound, until: float) -> Mapping[str, str]:
    """What it says to whoever comes without a token. A server that says nothing has its metadata at the well-known place all the same."""
    answer = await met(http, "POST", config.resource, until, Unavailable, HEADERS, PING)
    said = answer.headers.get("www-authenticate", "")
    if answer.status != httpx.codes.UNAUTHORIZED or not said.lower().startswith("bearer"):
        return {}
    return {name.lower(): quoted or plain for name, quoted, plain in PARAMETER.findall(said)}


async def described(config: Config, http: Outbound, until: float, where: str | None) -> Mapping[str, object]:
    """RFC 9728 section 3: what it names itself, else what stands behind the well-known path, with the server's own path and without."""
    parts = urlsplit(config.resource)
    base = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}"
    if where is not None and origin_of(where) not in {origin(config.resource), *(origin(f"{parts.scheme}://{one}") for one in config.hosts)}:
        raise Refused("foreign_host", "the challenge names metadata on a host that is not the server's: if it is right, name it in `hosts`")
    busy = False
    for url in [where] if where is not None else dict.fromkeys([f"{base}{parts.path.rstrip('/')}", base]):
        answer = await met(http, "GET", url, until, Unavailable)
        busy = busy or answer.status == httpx.codes.TOO_MANY_REQUESTS or answer.status >= httpx.codes.INTERNAL_SERVER_ERROR
        if (found := metadata.document(answer)) is None:
            continue
        if found.get("resource") != config.resource:
            raise Refused("wrong_resource", "the metadata is another resource's: `resource` must be what it says, byte for byte")
        return found
    if busy:
        raise Unavailable("no_metadata", "the server cannot say now who gives tokens for it")
    raise Refused("no_metadata", "the server does not say who gives tokens for it (RFC 9728)")


def chosen(config: Config, servers: object) -> str:
    named = [one for one in servers if isinstance(one, str)] if isinstance(servers, list) else []
    if config.issuer is None and named:
        return named[0]
    if config.issuer is None:
        raise Refused("no_issuer", "the server's metadata names no authorization server")
    if config.issuer not in named:
        raise moved()
    return config.issuer


async def opens(config: Config, http: Outbound, token: Secret, until: float) -> bool:
    """Whether the server takes it. What it says to it otherwise is no matter."""
    answer: Answer = await met(http, "POST", config.resource, until, Unavailable, {**HEADERS, "Authorization": f"Bearer {token.text()}"}, PING)
    if answer.status == httpx.codes.TOO_MANY_REQUESTS or answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Unavailable("not_proven", f"the server answered {answer.status}")
    return answer.status != httpx.codes.UNAUTHORIZED


def origin_of(url: str) -> tuple[str, str, int | None]:
    try:
        return origin(url)
    except httpx.InvalidURL:
        return "", "", None


def listed(said: object) -> frozenset[str]:
    return frozenset(one for one in said if isinstance(one, str)) if isinstance(said, list) else frozenset()
