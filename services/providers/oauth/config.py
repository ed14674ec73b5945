"""What an operator declares of an OAuth 2.0 authorization server, and of our client there."""

from typing import Literal

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.seam import Declared

URL = r"^https?://[^\s?#@\\]+$"
HOST = r"^[A-Za-z0-9._-]+(:[0-9]{1,5})?$"
Method = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]


class Config(Declared):
    issuer: str = Field(pattern=URL, max_length=512, description="as its metadata says it, byte for byte")
    client_id: str = Field(min_length=1, max_length=512, pattern=r"^[\x20-\x7e]+$")
    auth: Method = Field(default="client_secret_basic", description="how the client proves itself")
    algorithm: Literal["RS256", "PS256", "ES256", "EdDSA"] = Field(default="RS256", description="of private_key_jwt")
    key_id: str | None = Field(default=None, max_length=256, description="`kid` of private_key_jwt")
    assertion_audience: Literal["issuer", "token_endpoint"] = Field(default="issuer", description="`aud` of private_key_jwt")
    resource: str | None = Field(default=None, max_length=1024, description="RFC 8707, where a request names none")
    audience: str | None = Field(default=None, max_length=1024, description="for servers that know no `resource`")
    network: Literal["internet", "inside", "this_machine"] = Field(
        default="internet", description="where it may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
    )
    hosts: tuple[str, ...] = Field(default=(), strict=False, max_length=8, description="others than the issuer's that its metadata may name")
    token_endpoint: str | None = Field(default=None, pattern=URL, max_length=1024, description="pinned: then no metadata is asked for")
    revocation_endpoint: str | None = Field(default=None, pattern=URL, max_length=1024, description="pinned")
    introspection_endpoint: str | None = Field(default=None, pattern=URL, max_length=1024, description="pinned")
    authorization_endpoint: str | None = Field(default=None, pattern=URL, max_length=1024, description="pinned: where people agree")
    people: bool = Field(default=False, description="lend on behalf of people, too, once they have agreed there")
    people_by: Literal["redirect", "device"] = Field(
        default="redirect", description="how people are asked: sent to the server and back, or by a code that they type in there (RFC 8628)"
    )
    device_authorization_endpoint: str | None = Field(default=None, pattern=URL, max_length=1024, description="pinned: what gives such a code")
    always: tuple[str, ...] = Field(
        default=("offline_access",), strict=False, max_length=16, description="scopes that a person is asked for beside those that are wanted"
    )
    revokes: Literal["grant", "token"] = Field(
        default="grant", description="what the server ends with one access token of a person: all that they agreed to, or that token alone"
    )
    prompt: str | None = Field(default=None, max_length=64, description="what the server is asked to show them: `consent`")
    introspect: bool = Field(default=True, description="false where the server does not let this client introspect")


class RootSecret(Declared):
    """One member for either: a guided set-up asks for what is needed, once."""

    secret: Secret = Field(description="the client's secret; with private_key_jwt its private key, PEM")
