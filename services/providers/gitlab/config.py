"""What an operator declares of a GitLab, and of the one project or group there that is on offer."""

from typing import Literal
from urllib.parse import quote

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.seam import Declared

PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


class Config(Declared):
    place: str = Field(
        pattern=rf"^(projects|groups)/{PART}(/{PART})*$", max_length=512, description="projects/acme/web or groups/acme: tokens are for it alone"
    )
    api: str = Field(default="https://gitlab.com/api/v4", pattern=r"^https?://[^\s?#@\\]+$", max_length=512, description="https://HOST/api/v4")
    network: Literal["internet", "inside", "this_machine"] = Field(
        default="internet", description="where it may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
    )
    sole: bool = Field(default=False, description="nobody else lends at this place: a token named as ours that the ledger does not know is ended")


class RootSecret(Declared):
    token: Secret = Field(
        description="a personal access token with the scope api, of an owner of the place: a project's own token cannot make others"
    )


def tokens(api: str, place: str) -> str:
    kind, _, path = place.partition("/")
    return f"{api.rstrip('/')}/{kind}/{quote(path, safe='')}/access_tokens"
