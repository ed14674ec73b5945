"""A link as a Cedar policy: what it says beyond the ceiling check, in the language that operators' own policies are in."""

from collections.abc import Iterable

from counterfoil.contracts.registry import Link
from counterfoil_server.domain.vocabulary import literal


def compiled(link: Link) -> str:
    """Scopes and lifetime again, so that policy alone, read by itself, permits no more. Details only `ceiling.covers` can compare,
    and which installations lie within is `ceiling.beyond`'s too.
    """
    return f"""permit (
    principal in Project::{literal(link.project)},
    action == Action::"mint",
    resource == Connector::{literal(link.connector)}
) when {{
    {literals(link.environments)}.contains(principal.environment) &&
    {scopes(link.ceiling.scopes)} &&
    context.lifetime <= {link.ceiling.longest}
}};
"""


def scopes(allowed: frozenset[str]) -> str:
    """Cedar's validator refuses an empty set."""
    return f"{literals(allowed)}.containsAll(context.scopes)" if allowed else "context.scopes.isEmpty()"


def literals(texts: Iterable[str]) -> str:
    return f"[{', '.join(literal(text) for text in sorted(texts))}]"
