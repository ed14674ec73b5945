"""The identity verifier."""

import asyncio
import os

from counterfoil_server.runtime.outbound import careful
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Runtime, Wiring, serve
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.starting import told
from counterfoil_server.runtime.tokens.aging import aging
from counterfoil_server.runtime.tokens.jwks import Jwks
from services.verifier.handlers import routes
from services.verifier.tokens import Tokens


async def wire(runtime: Runtime) -> Wiring:
    settings = runtime.settings
    registry = Registry(runtime.db, settings.database)
    await registry.load()
    jwks = Jwks(careful(development=settings.development))
    tokens = Tokens(runtime.keys, registry, jwks, settings.audience)
    return Wiring(stages=routes(tokens, registry, settings.partitions, runtime.now), loops=[registry.run(), aging(jwks, runtime.telemetry.meter)])


if __name__ == "__main__":
    with told("verifier"):
        asyncio.run(serve(Settings.read(os.environ), "verifier", wire))
