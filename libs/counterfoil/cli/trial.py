"""A credential that is minted to see whether a connector works, by the way that everybody goes, and revoked at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from counterfoil.cli import sugar, wishes
from counterfoil.cli.exits import say
from counterfoil.cli.session import Session
from counterfoil.contracts.registry import Ceiling, Link

LIFE = 60


async def tried(session: Session, connector: str, links: Sequence[Link]) -> None:
    """Raises what the exchange says no with: the connector is there all the same."""
    if not links:
        say(f"not tried: no link leads to {connector}. counterfoil link add {connector} -p PROJECT -e ENVIRONMENT --scope SCOPE")
        return
    link = next((one for one in links if one.project == session.project and session.environment in one.environments), links[0])
    environment = session.environment if session.environment in link.environments else min(link.environments)
    wish = within(connector, link.ceiling)
    if wish is None:
        say(f"not tried, since {link.name} allows any repository: {wishes.line(connector, {})} --repo OWNER/NAME --permission contents:read")
        return
    say(f"a test, as {link.project}/{environment}: {wishes.line(connector, wish)}")
    asker = replace(session, project=link.project, environment=environment, operator=False)
    async with asker.client() as cf:
        credential = await cf.exchange(connector, **wish)
        say(f"minted {credential.credential_id}, good until {credential.expires_at:%H:%M:%S}Z")
        answer = await cf.revoke(credential)
    say(f"revoked: {answer.get('state', 'accepted')}")


def within(connector: str, ceiling: Ceiling) -> dict[str, Any] | None:
    """All that the ceiling names: who leaves out a member that has a star asks for any. None where the provider wants it named."""
    details = [named for detail in ceiling.details if (named := {name: one for name, one in detail.items() if not any_of(one)}).keys() != {"type"}]
    if not details and sugar.knows(connector):
        return None
    return {"scopes": sorted(ceiling.scopes), "details": details, "lifetime": min(LIFE, ceiling.longest)}


def any_of(limit: object) -> bool:
    return "*" in limit if isinstance(limit, list | tuple) else limit == "*"
