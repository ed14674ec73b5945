"""Whose request `explain` tries: the caller's own place, or another that an operator names."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counterfoil.wire.envelope import fields
from services.gateway.callers import Caller, Callers
from services.gateway.problems import Problem


class As(BaseModel):
    """Somebody else's place. Without a subject: nobody's in particular. `claims`: those that policies read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    project: str = Field(min_length=1, max_length=128)
    environment: str = Field(min_length=1, max_length=128)
    issuer: str | None = Field(default=None, max_length=512)
    subject: str | None = Field(default=None, max_length=512)
    claims: dict[str, Any] = Field(default_factory=dict, max_length=64)


@dataclass(frozen=True, slots=True)
class Place:
    """What a proven identity is to the rules. `subject` stands in clear where the issuer entry says so, and nowhere else."""

    issuer: str
    sub_hash: str
    project: str
    environment: str
    claims: dict[str, Any]
    subject: str | None


def named(given: Any) -> As | None:
    try:
        return None if given is None else As.model_validate(given)
    except ValidationError as error:
        raise Problem("malformed_request", f"as: {fields(error)}") from None


def own(caller: Caller, clear: bool) -> Place:
    if caller.project is None or caller.environment is None:
        raise Problem("malformed_request", "this identity has no project and environment of its own", fix="Say whose request to try: `as`.")
    return Place(caller.issuer, caller.sub_hash, caller.project, caller.environment, dict(caller.claims), caller.subject if clear else None)


def somebodys(wanted: As, caller: Caller, callers: Callers, clear: bool) -> Place:
    issuer, subject = wanted.issuer or caller.issuer, wanted.subject or ""
    said = wanted.subject if clear else None
    return Place(issuer, callers.hashed(issuer, subject), wanted.project, wanted.environment, wanted.claims, said)
