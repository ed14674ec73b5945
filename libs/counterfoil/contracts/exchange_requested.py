"""exchange.requested: someone asks. The only topic that no service signs: the sealed token in its header binds it."""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from counterfoil.contracts.base import Base64, Digest, Message, ReplyTo, Topic
from counterfoil.contracts.registry import Name

TOKEN_HEADER = "sealed-token"  # noqa: S105 - the name of a header
LARGEST_WISH = 16 * 1024
DEEPEST_WISH = 16
"""A fact and its leaf stand around it, and a leaf is read up to 32 deep: by everybody, for as long as there is a log."""
LARGEST_TOKEN = 16 * 1024
FARTHEST = timedelta(seconds=60)
USUAL = timedelta(seconds=10)


class Wish(BaseModel):
    """What a request asks for. Strict: an unknown member is refused, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connector: str = Field(min_length=1, max_length=128)
    scopes: tuple[str, ...] = Field(default=(), max_length=256)
    details: tuple[dict[str, Any], ...] = Field(default=(), max_length=64, description="RFC 9396 authorization_details")
    installation: Name | None = Field(default=None, description="one of the connector's; its own where absent")
    lifetime: int | None = Field(default=None, ge=1, le=366 * 86400, strict=True, description="seconds")
    user: Digest | None = Field(default=None, description="the end user on whose behalf the app asks: the digest of their id; absent: the app's own")


class ExchangeRequested(Message):
    """The envelope is read strictly, the wish stays raw: whatever is wrong with it is answered, not dropped."""

    kind: Literal["exchange.requested"] = "exchange.requested"
    request_id: UUID
    reply_to: ReplyTo
    requester_key: Base64 = Field(min_length=43, max_length=43)
    deadline: AwareDatetime
    wish: Any


TOPIC = Topic(
    "exchange.requested", carries=ExchangeRequested, written_by=("gateway", "client"), read_by=("verifier",), keep=timedelta(hours=24), signed=False
)
