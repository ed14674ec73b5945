"""All pages there are."""

from collections.abc import Sequence

from services.console.pages import overview
from services.console.site import Page

PAGES: Sequence[Page] = (overview.pages,)
