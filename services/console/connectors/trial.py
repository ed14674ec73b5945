"""*Test mint*: what a request would come to, by the gateway's own rules, and the line that makes it.

The console never holds a credential, so it asks for none: the line is for whoever has an identity of the project.
"""

import shlex
from collections.abc import Mapping
from typing import Any

from services.console.connectors.filled import lines, wrong
from services.console.links.spans import BadSpan, seconds
from services.console.operator import Operator
from services.console.site import Site


async def tried(site: Site, operator: Operator, connector: str, sent: Mapping[str, str]) -> Mapping[str, Any]:
    """Raises Refused."""
    project, _, environment = sent.get("whose", "").strip().rpartition("/")
    if not (project and environment):
        raise wrong("say for whom, like web/production", "choose one of the links' places")
    scopes, lifetime = lines(sent.get("scopes", "").replace(" ", "\n")), sent.get("lifetime", "").strip()
    try:
        asked: dict[str, Any] = {"connector": connector} | ({"lifetime": seconds(lifetime)} if lifetime else {})
    except BadSpan as error:
        raise wrong(str(error), BadSpan.fix) from None
    asked |= {"scopes": list(scopes)} if scopes else {}
    found = (await site.gateway.ask(operator, "POST", "/v1/explain", body=asked | {"as": {"project": project, "environment": environment}})).body
    return {"found": found, "line": line(connector, scopes, lifetime, project, environment), "whose": f"{project}/{environment}"}


def line(connector: str, scopes: Any, lifetime: str, project: str, environment: str) -> str:
    words = ["counterfoil", "get", connector, *(word for one in scopes for word in ("--scope", one))]
    words += ["--lifetime", lifetime.replace(" ", "")] if lifetime else []
    return shlex.join([*words, "--project", project, "--environment", environment])
