"""Whose older decisions a change makes stale. None is everyone's."""

from collections.abc import Sequence

from counterfoil.contracts.registry import Connector, Installation, Issuer, Link, Policy
from counterfoil_server.runtime.concern import BadPolicy, parse
from counterfoil_server.runtime.snapshot import Entry
from counterfoil_server.runtime.store.changes import Change
from counterfoil_server.runtime.store.fences import Fence, Unfence

Concern = frozenset[str] | None
NOBODY: frozenset[str] = frozenset()


def concern(entry: Entry | None) -> Concern:
    """Whose decisions rest on this entry. None is everyone's: an issuer names no connector, nor need a policy."""
    match entry:
        case Connector():
            return frozenset({entry.name})
        case Link() | Installation():
            return frozenset({entry.connector})
        case Policy():
            try:
                return parse(entry.cedar).connectors
            except BadPolicy:
                return None
        case Issuer():
            return None
        case _:
            return NOBODY


def together(one: Concern, other: Concern) -> Concern:
    return None if one is None or other is None else one | other


def held(steps: Sequence[tuple[Change, Concern]]) -> Concern:
    """The connectors that have to be locked."""
    named: Concern = frozenset(change.name for change, _ in steps if isinstance(change, Fence | Unfence))
    for _, concerned in steps:
        named = together(named, concerned)
    return named
