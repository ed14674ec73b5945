"""GET /v1/providers: what connectors can be made of, what each wants to know, and what it can do."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.gateway.answering import NO_STORE
from services.gateway.catalog import Catalog
from services.gateway.operators import Operators
from services.gateway.paging import MOST, QUERY, cursor, limit, name, resumed
from services.gateway.problems import Problem
from services.gateway.query import parameters


class ProvidersDoor:
    def __init__(self, operators: Operators, catalog: Catalog) -> None:
        self._operators, self._catalog = operators, catalog

    async def all(self, request: Request) -> Response:
        await self._operators.demand(request, "read_registry")
        found = parameters(request, QUERY)
        most, (after,) = limit(found, MOST), resumed(found, name) or ("",)
        rest = [one for one in self._catalog.all() if one["name"] > after]
        more = cursor(rest[most - 1]["name"]) if len(rest) > most else None
        return JSONResponse({"providers": rest[:most], "next": more}, headers=NO_STORE)

    async def one(self, request: Request) -> Response:
        await self._operators.demand(request, "read_registry")
        found = self._catalog.get(str(request.path_params["name"]))
        if found is None:
            raise Problem("not_found", "there is no such provider", fix=f"Known providers: {', '.join(one['name'] for one in self._catalog.all())}.")
        return JSONResponse(found, headers=NO_STORE)
