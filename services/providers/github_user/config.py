"""What an operator declares of a GitHub App whose users lend what they may do."""

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.github.config import API, NETWORK, VERSION, Network
from services.providers.github.wish import Login
from services.providers.seam import Declared


class Config(Declared):
    client_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="of the GitHub App: not its app id")
    account: Login | None = Field(
        default=None, description="the organisation or user whose repositories can be asked for; absent: any, one for each request"
    )
    web: str = Field(
        default="https://github.com", pattern=r"^https?://[^\s?#@\\]+$", max_length=512,
        description="where users log in; of an Enterprise Server https://HOST",
    )  # fmt: skip
    api: str = API
    api_version: str = VERSION
    network: Network = NETWORK


class RootSecret(Declared):
    client_secret: Secret = Field(description="of the app, as GitHub shows it once")
