"""The policy service."""

import asyncio
import os

from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Runtime, Wiring, serve
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.starting import told
from services.policy.handlers import routes


async def wire(runtime: Runtime) -> Wiring:
    registry = Registry(runtime.db, runtime.settings.database)
    await registry.load()
    return Wiring(stages=routes(registry, runtime.now), loops=[registry.run()])


if __name__ == "__main__":
    with told("policy"):
        asyncio.run(serve(Settings.read(os.environ), "policy", wire))
