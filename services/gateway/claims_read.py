"""The claims that a policy reads, and what types they might have."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from counterfoil_server.domain.cedar_schema import Claims

TYPES = ("String", "Long", "Bool", "Set<String>", "Set<Long>")
MOST = 12
"""Claims whose type is guessed; a policy that reads more has them taken for texts."""
Paths = dict[str, "Paths"]
"""By name what is read of it: of a claim that is no record, nothing."""


def read(statement: Mapping[str, Any]) -> Paths:
    """Wherever `context.claims.a.b` stands, or `context.claims has a`."""
    found: Paths = {}
    for steps in accesses(statement):
        place = found
        for step in steps:
            place = place.setdefault(step, {})
    return found


def accesses(node: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(node, list):
        for one in node:
            yield from accesses(one)
    if isinstance(node, Mapping):
        if (steps := below_claims(node)) is not None and steps:
            yield steps
        for one in node.values():
            yield from accesses(one)


def below_claims(node: Any) -> tuple[str, ...] | None:
    """The steps from `context.claims` down to here; None where this leads to something else."""
    for word in (".", "has"):
        if isinstance(node, Mapping) and isinstance(step := node.get(word), Mapping):
            attribute = step.get("attr")
            if step.get("left") == {"Var": "context"} and attribute == "claims":
                return ()
            above = below_claims(step.get("left"))
            return None if above is None else (*above, *(attribute if isinstance(attribute, list) else [str(attribute)]))
    return None


def typed(claims: Paths, cost: Callable[[Claims], int]) -> Claims:
    """One claim after the other gets the type under which there is least to complain of: its type is nowhere declared."""
    types = dict.fromkeys(leaves(claims), TYPES[0])
    for leaf in list(types)[:MOST]:
        if cost(built(claims, types)) == 0:
            break
        costs = {kind: cost(built(claims, {**types, leaf: kind})) for kind in TYPES}
        types[leaf] = min(costs, key=costs.__getitem__)
    return built(claims, types)


def leaves(claims: Paths, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, below in claims.items():
        yield from leaves(below, (*above, name)) if below else [(*above, name)]


def built(claims: Paths, types: Mapping[tuple[str, ...], str], above: tuple[str, ...] = ()) -> Claims:
    return {name: built(below, types, (*above, name)) if below else types[*above, name] for name, below in claims.items()}
