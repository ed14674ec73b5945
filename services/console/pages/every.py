"""All pages there are."""

from collections.abc import Sequence

from services.console.pages import audit, overview, revoke, system
from services.console.site import Page

PAGES: Sequence[Page] = (overview.pages, revoke.pages, audit.pages, system.pages)
