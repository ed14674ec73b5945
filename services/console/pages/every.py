"""All pages there are."""

from collections.abc import Sequence

from services.console.pages import audit, connectors, links, overview, policies, revoke, system
from services.console.site import Page

PAGES: Sequence[Page] = (overview.pages, connectors.pages, links.pages, policies.pages, revoke.pages, audit.pages, system.pages)
