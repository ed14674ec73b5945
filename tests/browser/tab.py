"""One page of a browser, and whatever was wrong with it."""

import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
PICTURES = Path(__file__).parents[2] / ".counterfoil" / "pictures"
SCHEMES: Sequence[Literal["dark", "light"]] = ("dark", "light")
REFUSED = "Failed to load resource: the server responded with a status of {}"


@dataclass
class Tab:
    """`hosts`: where its requests may go. `no`: address and status of an answer that has to be a no, and which the browser tells of."""

    page: "Page"
    hosts: set[str]
    no: tuple[str, int] | None = None
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    barriers: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, said: Any) -> None:
        if said.type != "error":
            return
        if self.no and said.location["url"] == self.no[0] and said.text.startswith(REFUSED.format(self.no[1])):
            self.no = None
        else:
            self.errors.append(said.text)

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc not in self.hosts:
            self.strangers.append(request.url)

    def nothing_wrong(self) -> None:
        wrong = {"errors": self.errors, "strangers": self.strangers, "barriers": self.barriers, "not refused": [self.no] if self.no else []}
        assert not any(wrong.values()), {what: found for what, found in wrong.items() if found}

    async def refused(self, address: str, status: int) -> None:
        """Goes there, where a no is the right answer."""
        self.no = (address, status)
        answer = await self.page.goto(address)
        assert answer is not None
        assert answer.status == status

    async def look(self, name: str, *, whole: bool = False) -> None:
        """A picture of what is there now, and what axe-core has against it, dark and light. `whole`: also what one would have to scroll to."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        for scheme in SCHEMES:
            await self.page.emulate_media(color_scheme=scheme)
            self.barriers += [f"{name}, {scheme}: {one}" for one in await self.found()]
            await self.picture(f"{name}-{scheme}" if scheme == "dark" else name, whole=whole)

    async def found(self) -> Sequence[str]:
        """Evaluated, not added as a script: the page's own policy would refuse that."""
        await self.page.evaluate(importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text())
        answer = await self.page.evaluate(f"axe.run({{runOnly: {list(RULES)}, resultTypes: ['violations']}})")
        return [f"{one['id']}: {[node['target'] for node in one['nodes']][:4]} {one['help']}" for one in answer["violations"]]

    async def picture(self, name: str, *, whole: bool = False) -> None:
        """The caret stays: to hide it the driver writes a style attribute, htmx copies it, and the page's own policy says no."""
        await self.page.screenshot(path=PICTURES / f"{name}.png", caret="initial", full_page=whole)
