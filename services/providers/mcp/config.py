"""What an operator declares of an MCP server, and what a request may ask of it."""

from typing import Annotated, Literal

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.oauth.config import HOST, URL
from services.providers.oauth.config import Config as OAuth
from services.providers.oauth.wish import SCOPE
from services.providers.seam import Declared, Details, Refused, read

Scope = Annotated[str, Field(pattern=rf"^{SCOPE.pattern}$")]


class Config(Declared):
    resource: str = Field(pattern=URL, max_length=1024, description="the server's canonical URI, as its metadata (RFC 9728) says it, byte for byte")
    client_id: str = Field(
        min_length=1,
        max_length=512,
        pattern=r"^[\x20-\x7e]+$",
        description="as it was registered; or `<COUNTERFOIL_URL>/consent/client.json`, where the server takes client ID metadata documents",
    )
    issuer: str | None = Field(
        default=None, pattern=URL, max_length=512, description="its authorization server. Needed beside a secret, which is shown to nobody else"
    )
    auth: Literal["client_secret_post", "client_secret_basic"] = Field(
        default="client_secret_post", description="how a client with a secret proves itself"
    )
    scopes: tuple[Scope, ...] = Field(
        default=(),
        strict=False,
        max_length=64,
        description="of every token, where it is not what the server's challenge names, or all that it supports",
    )
    always: tuple[Scope, ...] = Field(
        default=(),
        strict=False,
        max_length=16,
        description="scopes that a person is asked for besides: `offline_access`, where the server wants it so",
    )
    prompt: str | None = Field(default=None, max_length=64, description="what the server is asked to show them: `consent`")
    hosts: tuple[Annotated[str, Field(pattern=HOST)], ...] = Field(
        default=(), strict=False, max_length=8, description="others than its own that metadata may name"
    )
    network: Literal["internet", "inside", "this_machine"] = Field(
        default="internet", description="where it may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
    )

    def client(self, issuer: str) -> OAuth:
        """Of ours there."""
        same = {name: getattr(self, name) for name in ("client_id", "auth", "resource", "always", "prompt", "hosts", "network")}
        return read(OAuth, {"issuer": issuer, "people": True, **same}, "issuer")


class RootSecret(Declared):
    secret: Secret = Field(default_factory=lambda: Secret(""), description="the client's, where it has one")


def wish(scopes: frozenset[str], details: Details, config: Config) -> None:
    """Raises Refused."""
    if details:
        raise Refused("no_details", "scopes are all that narrows a token of an MCP server: name no details")
    if not scopes:
        raise Refused("no_scope", "name the scopes that are wanted: those of the connector, or those that the server's challenge names")
    if not all(SCOPE.fullmatch(one) for one in scopes):
        raise Refused("bad_scope", "a scope is one word of printable ASCII, without quotes and backslashes")
    if config.scopes and scopes != frozenset(config.scopes):
        raise Refused("other_scopes", f"a user's token is one for all, and has exactly these scopes: {' '.join(sorted(config.scopes))}")
