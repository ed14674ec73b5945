"""consent.settled: what came of it. A grant that a person gave, or why there is none."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import Field

from counterfoil.contracts.base import Digest, Fact, Scopes, Topic

ConsentCode = Literal["late", "declined", "provider_refused", "provider_unavailable", "provider_unknown"]


class Consent(Fact):
    """Whose, for which app, at which connector."""

    consent_id: UUID
    connector: str
    installation: str
    project: str
    environment: str
    user: Digest = Field(description="the end user, by the digest of the id that the app knows them by")


class ConsentGranted(Consent):
    kind: Literal["consent.granted"] = "consent.granted"
    grant_id: UUID
    scopes: Scopes


class ConsentRefused(Consent):
    kind: Literal["consent.refused"] = "consent.refused"
    code: ConsentCode
    message: str = Field(default="", max_length=1024)


TOPIC = Topic(
    "consent.settled",
    carries=ConsentGranted | ConsentRefused,
    written_by=("mint",),
    read_by=("gateway", "audit"),
    keep=timedelta(days=7),
    key="consent_id",
)
