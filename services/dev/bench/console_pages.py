"""Every page of the console, asked for again and again, each time about something else."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import httpx

from services.dev.bench import processes
from services.dev.bench.console_filling import DAYS, Filling
from services.dev.bench.console_made import CONNECTORS, PROJECTS
from services.dev.bench.figures import Figure
from services.dev.bench.spread import percentile
from services.dev.trouble import Say

TARGET = 150
FLOOR = "floor: a page that reads nothing (/login/ended)"
PIECE = {"HX-Request": "true"}
Address = Callable[[], str]


@dataclass(frozen=True)
class Page:
    """`shows`: what its answer has to have in it, lest a page be quick because it is empty. `piece`: as htmx asks."""

    name: str
    address: Address
    shows: str
    piece: bool = False
    most: float | None = TARGET


class Dice:
    """Which of all there are."""

    def __init__(self, filling: Filling) -> None:
        self._filling, self._random = filling, random.Random(11)  # noqa: S311 - the same each time
        self._requests, self._orders = filling.requests, filling.orders

    def below(self, number: int) -> int:
        return self._random.randrange(number)

    @property
    def request(self) -> UUID:
        return self._random.choice(self._requests)

    @property
    def spanned(self) -> UUID:
        """Of the last day, and sampled."""
        of_a_day = len(self._requests) // DAYS
        first = (len(self._requests) - of_a_day) // 20 + 1
        return self._requests[20 * (first + self.below(max(1, of_a_day // 20 - 1)))]

    @property
    def credential(self) -> UUID:
        return self._random.choice(self._filling.ended)

    @property
    def index(self) -> int:
        return self.below(self._filling.book.edge.size)

    @property
    def connector(self) -> str:
        return f"instant/db-{self.below(CONNECTORS):02}"

    @property
    def project(self) -> str:
        return f"acme/app-{self.below(PROJECTS):03}"

    @property
    def order(self) -> UUID:
        return self._random.choice(self._orders)

    @property
    def moment(self) -> str:
        at = self._filling.began + timedelta(minutes=self.below(DAYS * 24 * 60))
        return at.strftime("%Y-%m-%d %H:%M")


def at(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def pages(dice: Dice) -> Sequence[Page]:
    return [
        Page(FLOOR, lambda: "/login/ended", "<h1", most=None),
        Page("overview", lambda: "/", "exchanges"),
        Page("live exchanges", lambda: "/live", "data-row"),
        Page("live, a project", lambda: at("/live", project=dice.project), "<h1"),
        Page("live, a filter that finds nothing", lambda: at("/live", project="nobody"), "<h1"),
        Page("one exchange in full, from its spans", lambda: f"/live/{dice.spanned}", "treegrid", piece=True),
        Page("one exchange in full, from its facts", lambda: f"/live/{dice.request}", "treegrid", piece=True),
        Page("connectors", lambda: "/connectors", "instant/db-03"),
        Page("connectors, filtered", lambda: at("/connectors", containing=f"{dice.below(CONNECTORS):02}"), "instant/db-", piece=True),
        Page("one connector", lambda: f"/connectors/{dice.connector}", "<h1"),
        Page("projects and links", lambda: "/links", "acme/app-"),
        Page("projects and links, of a project", lambda: at("/links", project=dice.project), "acme/app-"),
        Page("policies", lambda: "/policies", "main-only"),
        Page("revoke", lambda: "/revoke", "<h1"),
        Page("revoke, preview by project", lambda: at("/revoke", project=dice.project), "data-", piece=True),
        Page("revoke, preview by connector", lambda: at("/revoke", connector=dice.connector), "data-", piece=True),
        Page("revoke, preview of all that is alive", lambda: at("/revoke", issuer="https://ci.example"), "data-", piece=True),
        Page("one order, and what came of it", lambda: f"/revoke/{dice.order}", "<h1"),
        Page("one order's record", lambda: f"/revoke/{dice.order}/record", "<h1"),
        Page("audit", lambda: "/audit", "data-row"),
        Page("audit, by kind", lambda: at("/audit", kind="grant.denied"), "data-row"),
        Page("audit, by a kind that is nowhere near", lambda: at("/audit", kind="revocation.stuck"), "<h1"),
        Page("audit, by connector", lambda: at("/audit", connector=dice.connector), "data-row"),
        Page("audit, by time", lambda: at("/audit", until=dice.moment), "data-row"),
        Page("audit, all of these", lambda: at("/audit", kind="mint.refused", connector=dice.connector, until=dice.moment), "<h1"),
        Page("timeline of a request", lambda: at("/audit", about=str(dice.request)), "data-row"),
        Page("timeline of a credential", lambda: at("/audit", about=str(dice.credential)), "data-row"),
        Page("a leaf with its proof", lambda: f"/audit/{dice.index}", "<h1"),
        Page("a leaf's proof to keep, by the gateway", lambda: f"/audit/{dice.index}/proof.json", "proof"),
        Page("system", lambda: "/system", "<h1"),
        Page("system, dead letters (of Kafka, in a piece that the page does not wait for)", lambda: "/system/letters", "", piece=True, most=None),
    ]


async def asked(http: httpx.AsyncClient, page: Page) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    answer = await http.get(page.address(), headers=PIECE if page.piece else {})
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200 or page.shows not in answer.text:
        raise RuntimeError(f"{page.name}: {answer.request.url} gave {answer.status_code} without {page.shows!r}: {answer.text[:200]}")
    return took


async def measured(http: httpx.AsyncClient, filling: Filling, pids: Mapping[str, int], times: int, say: Say) -> list[Figure]:
    """Beside each what it costs whom: a machine that does other things makes an answer late, and no dearer."""
    found = []
    for page in pages(Dice(filling)):
        say(page.name)
        await asked(http, page)
        before = processes.cpu(pids)
        took = sorted([await asked(http, page) for _ in range(times)])
        cost = ", ".join(f"{name} {(after - before[name]) * 1000 / times:.1f}" for name, after in processes.cpu(pids).items())
        beside = f"p50 {percentile(took, 0.5):.1f}, most {took[-1]:.0f}; CPU ms: {cost}"
        found.append(Figure(f"{page.name}, p95", percentile(took, 0.95), "ms", most=page.most, beside=beside))
    return found
