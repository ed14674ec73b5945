"""What an operator declares of an OAuth 2.0 authorization server, and of our client there."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from counterfoil.wire.secret import Secret
from services.providers.seam import Declared

URL = r"^https?://[^\s?#@\\]+$"
HOST = r"^[A-Za-z0-9._-]+(:[0-9]{1,5})?$"
SUBJECT = r"^([\x20-\x7a|~]|\{(project|environment)\}){1,256}$"
DetailType = Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,256}$")]
Method = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
OWN = "oauth2"
Grant = Literal["client_credentials", "jwt_bearer", "token_exchange"]


class Config(Declared):
    issuer: str = Field(pattern=URL, max_length=512, description="as its metadata says it, byte for byte")
    client_id: str = Field(min_length=1, max_length=512, pattern=r"^[\x20-\x7e]+$")
    auth: Method = Field(
        default="client_secret_basic", description="how the client proves itself; `none` where another JWT of its key is all that is wanted"
    )
    grant: Grant = Field(default="client_credentials", description="by which the client asks for itself")
    algorithm: Literal["RS256", "PS256", "ES256", "EdDSA"] = Field(default="RS256", description="of every JWT that is signed")
    key_id: str | None = Field(default=None, max_length=256, description="`kid` of every JWT that is signed")
    assertion_audience: Literal["issuer", "token_endpoint"] = Field(default="issuer", description="`aud` of every JWT that is signed")
    assertion_issuer: str | None = Field(
        default=None, min_length=1, max_length=512, description="`iss` of a JWT beside the client's own; absent: client_id"
    )
    subject: str | None = Field(
        default=None,
        pattern=SUBJECT,
        description="`sub` of such a JWT, where {project} and {environment} are those of whoever asks; absent: client_id",
    )
    exchanges: Literal["access_token", "jwt"] = Field(
        default="access_token",
        description="what token_exchange exchanges: a token that the client gets by client_credentials, or a JWT that its key signs",
    )
    exchanged_scopes: tuple[str, ...] = Field(default=(), strict=False, max_length=64, description="of that token; absent: those that are wanted")
    exchanged_ends: bool = Field(
        default=True, description="false where the server ends what came of that token together with it: then it lives its own time"
    )
    requested_token_type: Literal["access_token", "jwt"] = Field(default="access_token", description="of token_exchange: what is to come of it")
    resource: str | None = Field(default=None, max_length=1024, description="RFC 8707, where a request names none")
    audience: str | None = Field(default=None, max_length=1024, description="for servers that know no `resource`")
    detail_types: tuple[DetailType, ...] = Field(
        default=(), strict=False, max_length=32, description="of authorization_details (RFC 9396) that are passed on; all others are refused"
    )
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

    @model_validator(mode="after")
    def proves_itself(self) -> Self:
        if self.auth == "none" and (self.grant != "jwt_bearer" and (self.grant, self.exchanges) != ("token_exchange", "jwt")):
            raise ValueError("a client that proves nothing is anybody")
        return self

    @model_validator(mode="after")
    def passes_on(self) -> Self:
        if OWN in self.detail_types:
            raise ValueError("a type of ours: the resources that a token shall be for")
        return self


class RootSecret(Declared):
    """One member as a rule: a guided set-up asks for what is needed, once."""

    secret: Secret = Field(description="the client's secret; with private_key_jwt or `none` its private key, PEM")
    key: Secret = Field(default=Secret(b""), description="beside a client's secret: the private key that signs what is no proof of the client, PEM")

    @property
    def signs(self) -> Secret:
        return self.key if self.key.reveal() else self.secret
