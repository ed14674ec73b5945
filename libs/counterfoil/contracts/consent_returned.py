"""consent.returned: a person came back from a provider, or pasted a key. What they brought is sealed to mint: the gateway keeps none of it."""

from datetime import timedelta
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from counterfoil.contracts.base import Base64, Fact, Topic


class ConsentReturned(Fact):
    sealed: ClassVar[frozenset[str]] = frozenset({"box"})

    kind: Literal["consent.returned"] = "consent.returned"
    consent_id: UUID
    deadline: AwareDatetime = Field(description="when whoever waits for it has given up")
    box: Base64 = Field(description="the code, its verifier and where it came back to: sealed to mint, bound to the consent")


TOPIC = Topic("consent.returned", carries=ConsentReturned, written_by=("gateway",), read_by=("mint",), keep=timedelta(hours=24), key="consent_id")
