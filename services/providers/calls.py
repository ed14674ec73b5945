"""Calling a provider: bounded in time, sorted into what it means, and checked for giving more than was asked."""

import asyncio
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from counterfoil.contracts.exchange_minted import RefusalCode
from counterfoil_server.runtime.telemetry import outgoing
from counterfoil_server.runtime.telemetry.current import within
from services.providers import on_behalf
from services.providers.consenting import NeedsConsent
from services.providers.covered import covered
from services.providers.grants import Grants
from services.providers.rotation import Rotation
from services.providers.seam import Minted, Order, ProviderError, Refused, Unavailable
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

    roots: Rotation
    grants: Grants


async def mint(intent: Intent, means: Means, now: datetime) -> Minted | No:
    """Never raises for anything a provider does. `now` is when the intent was written: the call ends when its window does."""
    order = intent.order()
    try:
        async with asyncio.timeout((intent.window_closes_at - now).total_seconds()):
            with within(intent.wanted.received), outgoing.act(order.connector, "mint"):
                minted = await made(intent, means, order)
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


async def made(intent: Intent, means: Means, order: Order) -> Minted:
    provider, connector = intent.wanted.provider, intent.wanted.connector
    if intent.wanted.grant.user is None:
        return await means.roots.done(connector, order.installation, partial(provider.mint, order))
    return await means.roots.on_behalf(provider, connector, order.installation, partial(on_behalf.mint, means.grants, intent, order))


def seconds(wait: timedelta | None) -> int | None:
    return max(1, math.ceil(wait.total_seconds())) if wait else None


def more(order: Order, minted: Minted) -> bool:
    return (
        not minted.granted_scopes <= order.scopes
        or minted.expires_at > order.expires_at
        or not all(covered(detail, order.details) for detail in minted.granted_details)
    )
