"""Who may do what at the gateway's own doors, in Cedar: by role, and by what the registry's policies say of these very actions.

A policy of the registry counts here only where each of its statements names one of these actions: one that was written for mints, and cannot be
evaluated without a mint, must never stand between an operator and a revocation. `change_registry` is the built-in policies' alone, so that
whoever may mend a policy is never locked out by it.
"""

from collections.abc import Iterable

from counterfoil.contracts.base import JsonObject
from counterfoil_server.domain.vocabulary import Ask, Question, Verdict, entity, workload

READ = ("read_credentials", "read_registry", "read_audit")
STOP = ("revoke", "lift")
CHANGE = "change_registry"
ACTIONS = frozenset({*READ, *STOP, CHANGE})


def in_any(actions: Iterable[str]) -> str:
    return "action in [" + ", ".join(f'Action::"{name}"' for name in actions) + "]"


def has(*roles: str) -> str:
    return "[" + ", ".join(f'"{role}"' for role in roles) + "].contains(principal.role)"


BUILT_IN = {
    "built-in:holder": 'permit (principal, action == Action::"revoke", resource) when { context.own };',
    "built-in:viewer": f"permit (principal is Operator, {in_any(READ)}, resource) when {{ {has('viewer', 'operator', 'admin')} }};",
    "built-in:operator": f"permit (principal is Operator, {in_any(STOP)}, resource) when {{ {has('operator', 'admin')} }};",
    "built-in:admin": f"permit (principal is Operator, {in_any([CHANGE])}, resource) when {{ {has('admin')} }};",
}


def counts(named: frozenset[str] | None) -> bool:
    """`named`: the actions that a policy's scope names; None where a statement of it names none."""
    return named is not None and not named.isdisjoint(ACTIONS - {CHANGE})


def operator(issuer: str, sub_hash: str, role: str) -> JsonObject:
    return entity("Operator", sub_hash, {"issuer": issuer, "sub_hash": sub_hash, "role": role})


def holder(issuer: str, sub_hash: str, project: str | None, environment: str | None) -> JsonObject:
    """An app, or whoever else has a token and no role."""
    if project is None or environment is None:
        return entity("Workload", sub_hash, {"issuer": issuer, "sub_hash": sub_hash})
    return workload(issuer, sub_hash, project, environment)


def question(who: JsonObject, action: str, connector: str | None, *, own: bool) -> Question:
    """`own`: it is about the caller's own credentials and nothing else."""
    what = entity("Installation", "counterfoil", {})
    if connector is not None:
        provider = connector.partition("/")[0]
        what = entity("Connector", connector, {"name": connector, "provider": provider}, ("Provider", provider))
    return Question(who, action, what, {"own": own}, connector)


def may(built_in: Ask, everyones: Ask, asked: Question) -> Verdict:
    """`everyones`: the built-in policies and the registry's that count here."""
    return (built_in if asked.action == CHANGE else everyones)(asked)
