"""How much of everything a run does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """`closed`, `http`, `roles`: requests in one run of it, each repeated. `seconds`: an open loop's. `lasting`: for the memory's slope."""

    repeats: int = 3
    tokens: int = 100
    closed: int = 5000
    http: int = 4000
    roles: int = 1500
    fast_roles: int = 4000
    rates: tuple[int, ...] = (1000, 300)
    seconds: int = 10
    slow: int = 500
    lasting: int = 100_000
    crypto: int = 3000
    syncs: int = 300
    lent: int = 20
    lent_seconds: int = 20
    commands: int = 9


NORMAL = Sizes()
LONG = Sizes(lasting=1_000_000)
QUICK = Sizes(
    repeats=1, tokens=5, closed=120, http=80, roles=20, fast_roles=20, rates=(100,), seconds=1, slow=50, lasting=200, crypto=50, syncs=20, lent=2,
    lent_seconds=3, commands=1,
)  # fmt: skip
OUTSTANDING = 200
CONNECTIONS = 150
LIFETIME = 1800
"""Seconds. Longer than a run: what is lent for a measurement does not expire in the middle of the next one."""
