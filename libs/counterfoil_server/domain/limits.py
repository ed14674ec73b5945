"""How much may be lent: whom a limit counts, and how long to wait where it is reached. What the ledger counted comes in."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.registry import Connector, Limits, Link

MINUTE = timedelta(minutes=1)
LONGEST_WAIT = 60
"""Seconds. A credential that lives for an hour may well be given back earlier."""


@dataclass(frozen=True, slots=True)
class Cap:
    """One pair of limits and what it is of: members that are None count everybody."""

    of: str
    limits: Limits
    connector: str
    project: str | None = None
    environments: frozenset[str] | None = None
    issuer: str | None = None
    sub_hash: str | None = None


@dataclass(slots=True)
class Use:
    """`oldest`: when the first within the last minute was minted. `next_end`: when the first of those alive is over."""

    live: int
    minute: int
    oldest: datetime | None
    next_end: datetime | None


@dataclass(frozen=True, slots=True)
class Reached:
    message: str
    wait: int


def caps(grant: GrantApproved, connector: Connector, link: Link | None) -> tuple[Cap, ...]:
    """Those that limit anything: none, and the ledger need not count."""
    return tuple(cap for cap in all_caps(grant, connector, link) if cap.limits != Limits())


def all_caps(grant: GrantApproved, connector: Connector, link: Link | None) -> Iterator[Cap]:
    yield Cap("the connector", connector.limits, connector.name)
    yield Cap("this subject", connector.each_subject, connector.name, issuer=grant.issuer, sub_hash=grant.sub_hash)
    if link is not None:
        yield Cap(f"the link {link.name}", link.limits, connector.name, link.project, link.environments)


def reached(cap: Cap, use: Use, now: datetime) -> Reached | None:
    if cap.limits.live is not None and use.live >= cap.limits.live:
        return Reached(f"{cap.of} may have {cap.limits.live} credentials alive at once", wait(use.next_end, now))
    if cap.limits.per_minute is not None and use.minute >= cap.limits.per_minute:
        return Reached(f"{cap.of} may be lent {cap.limits.per_minute} credentials a minute", wait(use.oldest and use.oldest + MINUTE, now))
    return None


def wait(until: datetime | None, now: datetime) -> int:
    """Whole seconds, 1 to 60."""
    return 1 if until is None else max(1, min(LONGEST_WAIT, math.ceil((until - now).total_seconds())))
