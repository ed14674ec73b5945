"""What one call of ours has been lent and has to give back: all of it, whatever becomes of the parts, and what is still on its way too."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from counterfoil.cli.exits import told
from counterfoil.client.client import Client
from counterfoil.client.credential import Credential
from counterfoil.client.errors import CounterfoilError

PATIENCE = 5.0
"""Seconds that somebody who wants an end is kept waiting for what is on its way."""
Fits = Callable[[Credential], object]


def any_fits(_: Credential) -> None:
    """Whatever it is."""


async def lend(cf: Client, connector: str, wanted: Mapping[str, Any], fits: Fits = any_fits) -> Credential:
    """`fits` raises where it is none that can be used. That is given back, as is what comes when whoever asked has been told to end."""
    lending = asyncio.ensure_future(cf.exchange(connector, **wanted))
    try:
        fits(await asyncio.shield(lending))
    except (CounterfoilError, asyncio.CancelledError):
        await asyncio.wait([lending], timeout=PATIENCE)
        if not lending.done():
            lending.cancel()
        elif not lending.cancelled() and lending.exception() is None:
            await given_back(cf, [lending.result()])
        raise
    return lending.result()


async def given_back(cf: Client, credentials: list[Credential]) -> bool:
    """All at once, and seen through though somebody is tired of waiting; whether all are."""
    revoking = asyncio.gather(*map(cf.revoke, credentials), return_exceptions=True)
    try:
        await asyncio.shield(revoking)
    except asyncio.CancelledError:
        await revoking
        raise
    failed = [one for one in revoking.result() if isinstance(one, BaseException)]
    for error in failed:
        if not isinstance(error, CounterfoilError):
            raise error
        told(error)
    return not failed
