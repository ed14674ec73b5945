"""What an operator declares of an app at Slack, and what a request may ask of it."""

from typing import Annotated, Literal

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.oauth.config import URL
from services.providers.seam import Declared, Details, Refused

Scope = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.:-]{0,63}$")]


class Config(Declared):
    client_id: str = Field(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$", description="of an app with token rotation turned on")
    scopes: tuple[Scope, ...] = Field(
        strict=False, min_length=1, max_length=64, description="of every user's token: Slack fixes them when the user agrees. For others another app"
    )
    team: str | None = Field(default=None, pattern=r"^[A-Z0-9]{1,32}$", description="the id of the one workspace whose users may agree")
    api: str = Field(default="https://slack.com/api", pattern=URL, max_length=512)
    authorize: str = Field(default="https://slack.com/oauth/v2/authorize", pattern=URL, max_length=512, description="where users agree")
    network: Literal["internet", "inside", "this_machine"] = Field(
        default="internet", description="where it may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
    )

    @property
    def place(self) -> str:
        return f"{self.api} {self.client_id}"


class RootSecret(Declared):
    client_secret: Secret = Field(description="of the app")


def wish(scopes: frozenset[str], details: Details, config: Config) -> None:
    """Raises Refused."""
    if details:
        raise Refused("no_details", "scopes are all that narrows a token of Slack: name no details")
    if scopes != frozenset(config.scopes):
        raise Refused("other_scopes", f"a user's token is one for all, and has exactly these scopes: {' '.join(sorted(config.scopes))}")
