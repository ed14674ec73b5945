"""Templates to pages. Everything in them is escaped; a name that nobody gave is an error and not an empty string."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.console import words
from services.console.assets import Asset

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Tab:
    """A page of the navigation. `key`: pressed after `g`."""

    path: str
    label: str
    key: str


TABS: Sequence[Tab] = (
    Tab("/", "Overview", "o"),
    Tab("/live", "Live exchanges", "l"),
    Tab("/connectors", "Connectors", "c"),
    Tab("/links", "Projects and links", "p"),
    Tab("/policies", "Policies", "y"),
    Tab("/revoke", "Revoke", "r"),
    Tab("/audit", "Audit", "a"),
    Tab("/system", "System", "s"),
)


@dataclass(frozen=True)
class Act:
    """What Ctrl-K offers beside the pages. `needs`: of the operator's rights."""

    path: str
    label: str
    needs: str = ""


ACTS: Sequence[Act] = (
    Act("/connectors#catalogue", "New connector: choose its provider", "change_registry"),
    Act("/links/new", "Add a link", "change_registry"),
    Act("/policies/edit", "Write a policy", "change_registry"),
    Act("/live?paused=1", "Live exchanges, paused"),
    Act("/live?outcome=denied", "Live exchanges: what is denied"),
    Act("/revoke/orders", "Orders to revoke that were given"),
)


class Renderer:
    def __init__(self, assets: Mapping[str, Asset], *, development: bool) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
        )
        self._environment.globals.update(assets={name: one.path for name, one in assets.items()}, tabs=TABS, acts=ACTS, development=development)
        self._environment.filters.update(words.FILTERS)

    def text(self, template: str, **context: Any) -> str:
        """A fragment, for streams."""
        return self._environment.get_template(template).render(context)

    def __call__(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        usual = {"operator": getattr(request.state, "operator", None), "here": request.url.path, "request_path": request.url.path}
        return HTMLResponse(self.text(template, **(usual | context)), status, {"Vary": "HX-Request"})


def partial(request: Request) -> bool:
    """Whether htmx asks for a piece of a page. Without script the same address gives the whole of it."""
    return request.headers.get("hx-request") == "true"
