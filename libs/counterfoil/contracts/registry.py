"""The registry's entries: what an operator declares, `registry.changed` carries, and every stage holds a snapshot of."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$")]
ConnectorName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}/[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$")]
Seconds = Annotated[int, Field(ge=1, le=366 * 86400)]


class Entry(BaseModel):
    """Strict: an operator's typing error is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mapped(Entry):
    """Where a word of the identity comes from: a fixed value, or a claim, looked up in `map` where one is given (not in it: rejected)."""

    claim: str | None = None
    value: str | None = None
    map: dict[str, str] | None = None

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        if (self.claim is None) == (self.value is None):
            raise ValueError("give exactly one of `claim` and `value`")
        return self


class Issuer(Entry):
    """An OIDC issuer the operator trusts, and the rule that maps its claims. OpenID Connect Core 1.0, section 2."""

    kind: Literal["issuer"] = "issuer"
    name: Name
    issuer: str = Field(max_length=512, description="compared byte for byte with `iss`")
    audience: str | None = Field(default=None, description="`aud`; the installation's own where absent")
    jwks_uri: str | None = Field(default=None, description="pinned; else discovered, and then on the issuer's origin")
    algorithms: frozenset[str] = frozenset({"RS256", "ES256"})
    types: frozenset[str] = frozenset({"JWT"})
    ignore_x5t: bool = False
    max_age: Seconds = 600
    max_lifetime: Seconds = 7200
    single_use: bool = False
    subject: Literal["opaque", "workload"] = "opaque"
    pins: dict[str, str] = Field(default_factory=dict, description="claims that must have exactly this value")
    project: Mapped
    environment: Mapped
    record: frozenset[str] = Field(default=frozenset(), description="further claims that policies read; recorded with the decision")


class Ceiling(Entry):
    """What a project may ever ask of a connector."""

    scopes: frozenset[str]
    details: tuple[dict[str, object], ...] = Field(default=(), description="allowed authorization_details; none: details are refused")
    longest: Seconds = 3600
    installations: frozenset[str] = Field(default=frozenset(), description="which may be named beside the connector's own; `*`: any")
    users: bool = Field(default=False, description="whether it may ask on behalf of its end users, once they have agreed")


class Limits(Entry):
    """Counted in the ledger when a credential is minted, so over all doors and replicas."""

    per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(default=None, description="credentials minted within any minute")
    live: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(default=None, description="credentials that may be alive at once")


class Connector(Entry):
    """A named connection to one provider. Its root secret is never part of the entry."""

    kind: Literal["connector"] = "connector"
    name: ConnectorName
    config: dict[str, object] = Field(default_factory=dict, description="what the provider's adapter declares; checked by it")
    installation: Name = "default"
    scopes: frozenset[str] = Field(default=frozenset(), description="what a request gets that names no scope, within its link's ceiling")
    limits: Limits = Field(default=Limits(), description="of all that it lends")
    each_subject: Limits = Field(default=Limits(), description="of what it lends to any one subject")

    @property
    def provider(self) -> str:
        return self.name.partition("/")[0]


class Installation(Entry):
    """One tenant of a connector beside its own: what differs there. Root secrets that are set for it go before the connector's."""

    kind: Literal["installation"] = "installation"
    connector: ConnectorName
    installation: Name
    config: dict[str, object] = Field(default_factory=dict, description="members that take the place of the connector's")

    @property
    def name(self) -> str:
        return f"{self.connector}@{self.installation}"


class Link(Entry):
    """connector, project, environments, and the ceiling."""

    kind: Literal["link"] = "link"
    connector: ConnectorName
    project: str = Field(min_length=1, max_length=128)
    environments: frozenset[str] = Field(min_length=1)
    ceiling: Ceiling
    limits: Limits = Field(default=Limits(), description="of what is lent by way of this link")
    entitled: bool = Field(default=True, description="whether its callers may read the reason of a denial")

    @property
    def name(self) -> str:
        """With its environments: production and preview may have ceilings of their own."""
        return f"{self.project}/{'+'.join(sorted(self.environments))}->{self.connector}"


class Policy(Entry):
    """Cedar text beside what the links compile to."""

    kind: Literal["policy"] = "policy"
    name: Name
    cedar: str = Field(max_length=65536)


class Operator(Entry):
    """Who may change the registry: an identity of a trusted issuer, with a role that the built-in Cedar policies know."""

    kind: Literal["operator"] = "operator"
    issuer: str
    subject: str
    role: Literal["viewer", "operator", "admin"]

    @property
    def name(self) -> str:
        return f"{self.issuer}|{self.subject}"


Registered = Annotated[Issuer | Connector | Installation | Link | Policy | Operator, Field(discriminator="kind")]


def ordered(value: Any) -> Any:
    """As JSON has it, sets sorted: equal entries look equal."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {name: ordered(one) for name, one in value.items()}
    return [ordered(one) for one in value] if isinstance(value, list | tuple) else value
