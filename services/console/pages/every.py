"""All pages there are."""

from collections.abc import Sequence

from services.console.site import Page

PAGES: Sequence[Page] = ()
