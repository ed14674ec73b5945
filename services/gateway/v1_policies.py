"""POST /v1/policies/lint: whether a policy would be taken, and what might go wrong with it. Nothing is kept."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.contracts.registry import Policy
from services.gateway import body
from services.gateway.answering import NO_STORE
from services.gateway.kinds import entry
from services.gateway.operators import Operators
from services.gateway.registering import Registering


class PoliciesDoor:
    def __init__(self, operators: Operators, registering: Registering) -> None:
        self._operators, self._registering = operators, registering

    async def lint(self, request: Request) -> Response:
        await self._operators.demand(request, "read_registry")
        given = await body.json_object(request)
        policy = entry({"name": "lint", **given, "kind": "policy"}, "policy")
        assert isinstance(policy, Policy)  # noqa: S101 - its kind says so
        return JSONResponse((await self._registering.lint(policy.cedar)).shown(), headers=NO_STORE)
