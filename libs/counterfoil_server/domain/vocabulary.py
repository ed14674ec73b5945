"""The words that Cedar policies may use, and how what we know becomes a question in them.

principal  Workload in Project: project, environment, issuer, sub_hash; subject where the issuer entry says `subject: workload`
action     mint (revoke, introspect and the operators' actions: operators.py)
resource   Connector in Provider: name, provider, installation
context    scopes, details (one text `type.member=value` per value), lifetime in seconds, claims, at; user where it is asked on behalf of one
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from counterfoil.contracts.base import JsonObject
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.contracts.registry import Connector
from counterfoil_server.domain.ceiling import Wanted, listed

LARGEST = 2**63 - 1
ESCAPES = frozenset({"__entity", "__extn", "__expr"})
"""An object with one of these is no record in Cedar's JSON, but an entity or a call: no caller's JSON may become one."""


@dataclass(frozen=True, slots=True)
class Question:
    """`connector` picks the policies that can concern it; None where the question is about none."""

    principal: JsonObject
    action: str
    resource: JsonObject
    context: JsonObject
    connector: str | None


class Verdict(Protocol):
    @property
    def allowed(self) -> bool: ...
    @property
    def rule(self) -> str | None: ...
    @property
    def error(self) -> bool: ...
    @property
    def policy_hash(self) -> str: ...


Ask = Callable[[Question], Verdict]


def mint(who: IdentityVerified, want: Wanted, connector: Connector, now: datetime) -> Question:
    asked = {"scopes": sorted(want.scopes), "details": flat(want.details), "lifetime": want.lifetime} | ({"user": want.user} if want.user else {})
    context = asked | {"claims": value(who.claims), "at": moment(now)}
    principal = workload(who.issuer, who.sub_hash, who.project, who.environment, who.subject)
    return Question(principal, "mint", connector_entity(connector, want.installation or connector.installation), context, connector.name)


def workload(issuer: str, sub_hash: str, project: str, environment: str, subject: str | None = None) -> JsonObject:
    known = {"issuer": issuer, "sub_hash": sub_hash, "project": project, "environment": environment, "subject": subject}
    return entity("Workload", sub_hash, value(known), ("Project", project))


def connector_entity(connector: Connector, installation: str) -> JsonObject:
    known = {"name": connector.name, "provider": connector.provider, "installation": installation}
    return entity("Connector", connector.name, known, ("Provider", connector.provider))


def entity(kind: str, name: str, attributes: Mapping[str, Any], *parents: tuple[str, str]) -> JsonObject:
    """Cedar's JSON form of an entity. https://docs.cedarpolicy.com/auth/entities-syntax.html"""
    return {"uid": {"type": kind, "id": name}, "attrs": dict(attributes), "parents": [{"type": up, "id": above} for up, above in parents]}


def flat(details: tuple[JsonObject, ...]) -> list[str]:
    """Cedar has sets and no loops: a policy asks `context.details.contains("postgres.tables=shop.orders")`."""
    return sorted(
        {
            f"{detail.get('type')}.{name}={one if isinstance(one, str) else json.dumps(one, sort_keys=True)}"
            for detail in details
            for name, member in detail.items()
            if name != "type"
            for one in listed(member)
        }
    )


def moment(now: datetime) -> JsonObject:
    return {"__extn": {"fn": "datetime", "arg": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}}


def value(given: Any) -> Any:
    """JSON as Cedar has it: no null (the member is absent), no fraction, no number beyond 64 bits (both as text), no escape."""
    if isinstance(given, Mapping):
        if not ESCAPES.isdisjoint(given):
            return json.dumps(given, sort_keys=True)
        return {name: value(one) for name, one in given.items() if one is not None}
    if isinstance(given, list | tuple):
        return [value(one) for one in given if one is not None]
    return given if isinstance(given, str | bool) or (isinstance(given, int) and abs(given) <= LARGEST) else json.dumps(given)


def literal(text: str) -> str:
    """A Cedar string. Whatever is not plain ASCII is escaped, so no project's name ends the string it stands in."""
    return '"' + "".join(one if one.isascii() and one.isprintable() and one not in '"\\' else f"\\u{{{ord(one):x}}}" for one in text) + '"'
