"""How the stages are, what waits, dead letters, keys; and a bundle for whoever helps."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from counterfoil_server.runtime.store.dead_letters import Place
from services.console.gate import form
from services.console.gateway import Refused
from services.console.operator import demand, operator_of
from services.console.rendering import partial
from services.console.site import Site
from services.console.system.letters import Graves
from services.console.system.stages import stages
from services.console.system.state import bundle, state

ACTS = ("redriven", "discarded")
NO_PLACE = {"code": "malformed_request", "message": "that is no dead letter", "fix": "load the page again"}


def pages(site: Site) -> Sequence[Route]:
    graves = None if site.kafka is None else Graves(site.kafka, site.db, site.gateway)

    async def system(request: Request) -> Response:
        demand(request, "read_registry")
        template = "system/state.html" if partial(request) else "system/page.html"
        found: dict[str, Any] = {"state": await state(site.db, site.now()), "stages": stages(site.latest), "running": site.latest.instances()}
        return site.show(request, template, now=site.now(), kafka=graves is not None, **found)

    async def letters(request: Request) -> Response:
        demand(request, "read_audit")
        return await listed(request)

    async def listed(request: Request, said: str = "") -> Response:
        """A piece of the page: Kafka may take its time, and the page does not wait for it."""
        try:
            found, problem = (await graves.open() if graves else []), None
        except Refused as no:
            found, problem = [], no
        return site.show(request, "system/letters.html", letters=found, problem=problem, said=said, may=operator_of(request).can("lift"))

    async def acted(request: Request) -> Response:
        operator = demand(request, "lift")
        fields = await form(request)
        act, place = fields.get("act"), placed(fields.get("place", ""))
        if graves is None or act not in ACTS:
            raise Refused(400, NO_PLACE)
        await graves.act(operator, place, cast(Literal["redriven", "discarded"], act), fields.get("reason", "").strip() or "by the console")
        return await listed(request, f"{place} was {'put back' if act == 'redriven' else 'given up'}; the audit log has it.")

    return [
        Route("/system", system),
        Route("/system/letters", letters),
        Route("/system/letters", acted, methods=["POST"]),
        Route("/system/diagnostics", diagnostics(site)),
    ]


def diagnostics(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        demand(request, "read_registry")
        text = json.dumps(bundle(await state(site.db, site.now()), site.now()), indent=2)
        return Response(text, headers={"Content-Disposition": "attachment; filename=counterfoil-diagnostics.json"}, media_type="application/json")

    return answer


def placed(text: str) -> Place:
    """Raises Refused."""
    try:
        return Place.parse(text)
    except ValueError:
        raise Refused(400, NO_PLACE) from None
