"""What this machine costs, this hour: one RSA verification, one Ed25519 verification, one write that is really on the disk."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from services.dev.bench.spread import percentile

BLOCK = b"x" * 4096
MESSAGE = b"m" * 600
"""About as long as what an OIDC token signs."""


def micros(call: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times * 1e6


def rs256(times: int) -> float:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature, public = key.sign(MESSAGE, padding.PKCS1v15(), SHA256()), key.public_key()
    return micros(lambda: public.verify(signature, MESSAGE, padding.PKCS1v15(), SHA256()), times)


def ed25519_verify(times: int) -> float:
    key = ed25519.Ed25519PrivateKey.generate()
    signature, public = key.sign(MESSAGE), key.public_key()
    return micros(lambda: public.verify(signature, MESSAGE), times)


async def fdatasync(folder: Path, times: int, pause: float = 0.01) -> tuple[float, float]:
    """Milliseconds, p50 and p99. On the disk that holds Kafka's and PostgreSQL's data."""
    taken = []
    file = os.open(folder / "fdatasync", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.write(file, BLOCK)
            os.fdatasync(file)
            taken.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(pause)
    finally:
        os.close(file)
    taken.sort()
    return percentile(taken, 0.5), percentile(taken, 0.99)
