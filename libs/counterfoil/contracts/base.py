"""What every message on the bus is made of: facts, what was asked, topics."""

from dataclasses import dataclass
from datetime import timedelta
from types import UnionType
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Discriminator, Field, PlainSerializer, TypeAdapter

NAMESPACE = UUID("c0f01100-0000-5000-8000-000000000001")
Scopes = Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str])]
"""A set on the inside; sorted on the wire, so that equal facts have equal bytes."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256, lower-case hex")]
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$", description="base64url without padding")]
JsonObject = dict[str, Any]


def named(*parts: str) -> UUID:
    """A name-based id (RFC 9562, version 5): equal parts give equal ids. Parts are joined by a byte that no part contains."""
    return uuid5(NAMESPACE, "\x1f".join(parts))


class Message(BaseModel):
    """Whatever travels. Frozen; unknown members are ignored: an older reader must survive a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ReplyTo(Message):
    """Where the requester listens: a partition of exchange.replied, and its own name there."""

    partition: int = Field(ge=0, lt=10_000)
    instance: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")


class Asked(Message):
    """What a request asked, as the verifier read it: carried and signed by every later fact of the exchange."""

    request_id: UUID
    request_hash: Digest
    wish_hash: Digest | None = None
    requester_key: Base64
    reply_to: ReplyTo
    deadline: AwareDatetime
    connector: str | None = None


class Fact(Message):
    """Something that happened. Facts are never changed, only followed by other facts."""

    sealed: ClassVar[frozenset[str]] = frozenset()
    """Members that a leaf of the audit log holds by their hash only."""

    kind: str
    id: UUID
    at: AwareDatetime


class ExchangeFact(Fact):
    """A fact of one exchange. Its id follows from stage and request, so a message handled twice yields the same fact twice."""

    stage: ClassVar[str]

    asked: Asked
    caused_by: UUID | None = None

    @classmethod
    def after(cls, cause: "ExchangeFact", **fields: Any) -> Self:
        return cls.about(cause.asked, caused_by=cause.id, **fields)

    @classmethod
    def about(cls, asked: Asked, **fields: Any) -> Self:
        return cls(id=named(cls.stage, asked.request_hash), asked=asked, **fields)


@dataclass(frozen=True, eq=False)
class Topic:
    """One topic: the whole truth about it, once, so that no two are equal. `name` is without prefix and version."""

    name: str
    carries: type[Message] | UnionType
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    keep: timedelta
    key: str = "request_id"
    signed: bool = True
    version: int = 1

    def __str__(self) -> str:
        return f"{self.name}.v{self.version}"

    def adapter(self) -> TypeAdapter[Any]:
        """By its kind a fact is read once; without it, as each fact of the topic in turn, to see which fits best: twice the time."""
        carries: Any = Annotated[self.carries, Discriminator("kind")] if isinstance(self.carries, UnionType) else self.carries
        return TypeAdapter(carries)
