"""Asking as an app does: `counterfoil.Client` over Kafka."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from counterfoil.client.client import Client
from counterfoil.wire.kafka import Connection
from services.dev.bench.arrivals import Ask
from services.dev.bench.tokens import fetched


@asynccontextmanager
async def door(url: str, issuer: str, kafka: str, connector: str, tokens: int, lifetime: int) -> AsyncIterator[Ask]:
    async with httpx.AsyncClient(trust_env=False) as http:
        lent = itertools.cycle(await fetched(http, issuer, url, tokens))
    async with Client(url, lambda: next(lent), "kafka", kafka=Connection(kafka), sampled=False) as client:

        async def ask() -> None:
            await client.exchange(connector, scopes=["read"], lifetime=lifetime)

        yield ask
