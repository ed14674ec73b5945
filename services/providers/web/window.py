"""How long a call may take."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.providers.seam import Order, Refused

MARGIN = timedelta(milliseconds=100)


def closes(order: Order) -> float:
    """When to be done, in the loop's time: with a token in hand there must be time left to say so."""
    seconds = (order.window_closes_at - datetime.now(UTC) - MARGIN).total_seconds()
    if seconds <= 0:
        raise Refused("window_closed", "the request came too late to be carried out")
    return asyncio.get_running_loop().time() + seconds
