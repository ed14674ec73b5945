"""Who may do what at /v1, in Cedar. These policies are built in: one of the registry's that fails must never lock out who could mend it."""

from typing import Any

from counterfoil_server.domain.vocabulary import entity
from counterfoil_server.runtime.cedar import Engine
from services.gateway.callers import Caller

VIEWS = '[Action::"read_credentials", Action::"read_registry", Action::"read_audit"]'
STOPS = '[Action::"revoke", Action::"lift"]'
BUILT_IN = {
    "holder": 'permit(principal, action == Action::"revoke", resource) when { context.own };',
    "viewer": f'permit(principal is Operator, action in {VIEWS}, resource) when {{ ["viewer", "operator", "admin"].contains(principal.role) }};',
    "operator": f'permit(principal is Operator, action in {STOPS}, resource) when {{ ["operator", "admin"].contains(principal.role) }};',
    "admin": 'permit(principal is Operator, action == Action::"change_registry", resource) when { principal.role == "admin" };',
}


class CedarPermits:
    def __init__(self) -> None:
        self._engine = Engine(BUILT_IN)

    def __call__(self, caller: Caller, action: str, connector: str | None, *, own: bool = False) -> bool:
        resource = entity("Installation", "counterfoil", {}) if connector is None else entity("Connector", connector, {"name": connector})
        return self._engine.ask(principal(caller), action, resource, {"own": own}, connector).allowed


def principal(caller: Caller) -> dict[str, Any]:
    known = {"issuer": caller.issuer, "sub_hash": caller.sub_hash}
    return entity("Workload" if caller.role is None else "Operator", caller.sub_hash, known | ({"role": caller.role} if caller.role else {}))
