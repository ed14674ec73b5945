"""What an operator declares of a service account that is lent, and of who may make tokens for it."""

from typing import Annotated, Literal

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.seam import Declared

URL = r"^https?://[A-Za-z0-9.:-]+$"
Email = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}@[a-z0-9][a-z0-9.-]{1,190}$")]


class Config(Declared):
    service_account: Email = Field(description="that is lent: NAME@PROJECT.iam.gserviceaccount.com")
    delegates: tuple[Email, ...] = Field(
        default=(), strict=False, max_length=4, description="service accounts between the key's and this one: each may make tokens for the next"
    )
    oauth: str = Field(
        default="https://oauth2.googleapis.com", pattern=URL, max_length=256, description="where the key proves itself, and tokens are looked at"
    )
    iam: str = Field(default="https://iamcredentials.googleapis.com", pattern=URL, max_length=256, description="where tokens are made")
    sts: str = Field(default="https://sts.googleapis.com", pattern=URL, max_length=256, description="where they are narrowed to buckets")
    network: Literal["internet", "inside", "this_machine"] = Field(
        default="internet", description="where they may be: `inside` is private addresses too, `this_machine` is localhost, without TLS as well"
    )


class RootSecret(Declared):
    key: Secret = Field(
        description="of a service account with roles/iam.serviceAccountTokenCreator on the one that is lent, as the JSON file that Google gives"
    )
