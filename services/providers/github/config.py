"""What an operator declares of a GitHub App and of the place where it is installed."""

from typing import Any, Literal

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.github.wish import Login
from services.providers.seam import Declared

Network = Literal["internet", "inside", "this_machine"]
API = Field(
    default="https://api.github.com", pattern=r"^https?://[^\s?#@\\]+$", max_length=512, description="of an Enterprise Server https://HOST/api/v3"
)
VERSION = Field(default="2022-11-28", pattern=r"^\d{4}-\d{2}-\d{2}$")
NETWORK: Any = Field(
    default="internet", description="where it may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
)


class Config(Declared):
    app: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="the app's client id, or its app id")
    installation_id: int = Field(ge=1, description="the number at the end of the address of the installation's settings")
    account: Login = Field(description="the organisation or user that the app is installed on: its repositories can be asked for")
    api: str = API
    api_version: str = VERSION
    stateless_token: Literal["enabled", "disabled"] | None = Field(
        default=None, description="forces the long or the short form of tokens, while GitHub changes from one to the other; absent: as GitHub does"
    )
    network: Network = NETWORK
    suspend: bool = Field(
        default=False, description="while the connector is fenced the installation is suspended: all tokens of it, others' too, open nothing"
    )


class RootSecret(Declared):
    private_key: Secret = Field(description="of the app, as the PEM file that GitHub gives")
