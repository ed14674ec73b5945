"""What an operator declares of an app at Linear, and what a request may ask of it."""

from typing import Annotated, Literal

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.seam import Declared, Details, Refused

Scope = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z:_-]{0,63}$")]
ALWAYS = "read"


class Config(Declared):
    client_id: str = Field(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$", description="of an app with client credentials turned on")
    scopes: tuple[Scope, ...] = Field(
        strict=False,
        min_length=1,
        max_length=32,
        description="of every token. For others another app: asked for other scopes, Linear ends all tokens of an app",
    )
    fewer: bool = Field(default=False, description="a request may name fewer of them, and so end every token of the app that has others")
    api: str = Field(default="https://api.linear.app", pattern=r"^https?://[^\s?#@\\]+$", max_length=512)
    network: Literal["internet", "inside", "this_machine"] = Field(
        default="internet", description="where it may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
    )


class RootSecret(Declared):
    client_secret: Secret = Field(description="of the app. To rotate it ends all tokens of the app")


def wish(scopes: frozenset[str], details: Details, config: Config) -> str:
    """As Linear wants them. Raises Refused."""
    if details:
        raise Refused("no_details", "scopes are all that narrows a token of Linear: name no details")
    offered = frozenset(config.scopes)
    if not scopes <= offered or (scopes != offered and not config.fewer):
        which = "only these or fewer" if config.fewer else "exactly these"
        raise Refused(
            "other_scopes", f"the connector's tokens have {which}, since other scopes would end those that are lent: {' '.join(sorted(offered))}"
        )
    if ALWAYS not in scopes:
        raise Refused("no_read", "Linear gives read with every token: name it among the scopes")
    return ",".join(sorted(scopes))
