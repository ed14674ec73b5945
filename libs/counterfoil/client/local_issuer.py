"""The local issuer of a development gateway gives a token to whoever asks on this machine. It is asked nowhere else."""

import asyncio

import httpx

from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import NoIdentity
from counterfoil.client.well_known import WellKnown, loopback
from counterfoil.wire.secret import Secret


async def ask_local_issuer(
    known: WellKnown, url: str, audience: str | None, deadline: Deadline, *, project: str, environment: str, subject: str | None
) -> Secret | None:
    """None where the gateway is not in development, or not on this machine: elsewhere it has no say in where we go."""
    if known.issuer is None or not (loopback(known.issuer) and loopback(url)):
        return None
    query = {"project": project, "environment": environment, "audience": audience or known.audience} | ({"sub": subject} if subject else {})
    try:
        async with asyncio.timeout(deadline.left()), httpx.AsyncClient(trust_env=False) as http:
            response = await http.get(f"{known.issuer.rstrip('/')}/id-token", params=query, timeout=None)
    except (httpx.TransportError, TimeoutError):
        response = None
    if response is None or not response.is_success or not response.text.strip():
        fix = f"is it running? {known.issuer} is what the gateway names; `make up` starts it"
        raise NoIdentity("no_identity", f"the local issuer {known.issuer} gave no token", fix=fix)
    return Secret(response.text.strip())
