"""The first page: a day's numbers, what is alive, what needs attention."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.console.operator import demand
from services.console.overview.attention import attention
from services.console.overview.beginning import beginning
from services.console.overview.numbers import HEIGHT, HOURS, day
from services.console.rendering import partial
from services.console.site import Site
from services.console.tally import book

ALIVE = """
    SELECT connector, class, count(*) AS n FROM mint WHERE state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain')
    GROUP BY connector, class ORDER BY n DESC, connector LIMIT 50
"""


def pages(site: Site) -> Sequence[Route]:
    async def overview(request: Request) -> Response:
        for action in ("read_credentials", "read_registry", "read_audit"):
            demand(request, action)
        now = site.now()
        counted, alive, matters, steps = await asyncio.gather(
            book.since(site.db, now - timedelta(hours=HOURS)), site.db.fetch(ALIVE), attention(site.db, now), beginning(site.db)
        )
        template = "overview/numbers.html" if partial(request) else "overview/page.html"
        found = {"day": day(counted.rows, now), "behind": counted.behind, "alive": alive, "matters": matters, "steps": steps, "height": HEIGHT}
        return site.show(request, template, now=now, **found)

    return [Route("/", overview)]
