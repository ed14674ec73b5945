"""Calling a provider: bounded in time, sorted into what it means, and checked for giving more than was asked."""

import asyncio
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from counterfoil.contracts.exchange_minted import RefusalCode
from counterfoil_server.runtime.telemetry import outgoing
from counterfoil_server.runtime.telemetry.current import within
from services.providers import on_behalf
from services.providers.consenting import NeedsConsent
from services.providers.grants import Grants
from services.providers.roots import Roots
from services.providers.seam import Minted, Order, ProviderError, Refused, Root, Unavailable
from services.providers.wanted import Intent


@dataclass(frozen=True, slots=True)
class No:
    """`lost`: it may have happened. `minted`: it did, and must not be handed over. `retry_after`: in seconds, where the provider said so."""

    code: RefusalCode
    message: str
    lost: bool = False
    minted: Minted | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """With what a provider is asked: the connector's root secret; and what people agreed to, where it is asked on behalf of one."""

    roots: Roots
    grants: Grants


async def mint(intent: Intent, means: Means, now: datetime) -> Minted | No:
    """Never raises for anything a provider does. `now` is when the intent was written: the call ends when its window does."""
    order = intent.order()
    try:
        root = await root_of(intent, means.roots)
    except Unavailable as error:
        return No("provider_unavailable", error.message)
    try:
        async with asyncio.timeout((intent.window_closes_at - now).total_seconds()):
            with within(intent.wanted.received), outgoing.act(order.connector, "mint"):
                minted = await made(intent, means, order, root)
    except NeedsConsent as error:
        return No("consent_required", f"{error.code}: {error.message}")
    except Refused as error:
        return No("provider_refused", f"{error.code}: {error.message}")
    except Unavailable as error:
        return No("provider_unavailable", f"{error.code}: {error.message}", retry_after=seconds(error.retry_after))
    except ProviderError as error:  # Unknown, AlreadyThere
        return No("provider_unknown", f"{error.code}: {error.message}", lost=True)
    except TimeoutError:
        return No("provider_unknown", "the provider did not answer in time", lost=True)
    except Exception as error:  # noqa: BLE001 - an adapter's own mistake: what it did at the provider is not known
        return No("provider_unknown", type(error).__name__, lost=True)
    if more(order, minted):
        return No("gave_more", "the provider gave more than was asked: revoked", True, minted)
    return No("provider_refused", f"{minted.amiss}: revoked", True, minted) if minted.amiss else minted


async def root_of(intent: Intent, roots: Roots) -> Root:
    wanted = intent.wanted
    if wanted.grant.user is None:
        return await roots.of(wanted.connector, wanted.grant.installation)
    return await roots.on_behalf(wanted.provider, wanted.connector, wanted.grant.installation)


async def made(intent: Intent, means: Means, order: Order, root: Root) -> Minted:
    if intent.wanted.grant.user is not None:
        return await on_behalf.mint(means.grants, intent, order, root)
    return await intent.wanted.provider.mint(order, root)


def seconds(wait: timedelta | None) -> int | None:
    return max(1, math.ceil(wait.total_seconds())) if wait else None


def more(order: Order, minted: Minted) -> bool:
    asked = [dict(detail) for detail in order.details]
    return (
        not minted.granted_scopes <= order.scopes
        or minted.expires_at > order.expires_at
        or any(dict(detail) not in asked for detail in minted.granted_details)
    )
