"""What is known of a platform's tokens before an operator says anything: what must be pinned, how old they are, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class Preset:
    kind: str
    title: str
    docs: str
    project: str | None
    """The claim that says which project; None: the operator names it."""
    project_is: str
    max_age: int
    max_lifetime: int
    ages: str
    """Why these."""
    issuer: str | None = None
    """None: each has its own, and `issuer_is` says where it is found."""
    issuer_is: str = ""
    listed: bool = False
    """Whether anybody at this issuer may have a token for us, so that those who count are listed one by one."""
    environment: str | None = None
    """The claim that says which environment; None: the operator says a fixed word."""
    pins: Mapping[str, str] = field(default_factory=dict)
    """Claims that have to be pinned, each with its reason."""
    jwks_uri: str | None = None
    """Where keys are not on the issuer's own origin. `{issuer_path}` is the first part of the issuer's path."""
    algorithms: frozenset[str] = frozenset({"RS256", "ES256"})
    ignore_x5t: bool = False
    workload: bool = False
    """Whether `sub` names a program and no person, and so may stand in clear."""
    notes: tuple[str, ...] = ()
