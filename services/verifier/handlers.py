"""exchange.requested -> exchange.verified."""

from collections.abc import Sequence
from typing import Any

from counterfoil.contracts import exchange_requested, exchange_verified
from counterfoil.contracts.base import Asked
from counterfoil.contracts.exchange_requested import DEEPEST_WISH, LARGEST_WISH, TOKEN_HEADER, ExchangeRequested
from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, IdentityVerified
from counterfoil.wire.armor import from_url
from counterfoil.wire.canonical import NotCanonical, canonical, deeper, digest
from counterfoil.wire.lru import Lru
from counterfoil.wire.opening_key import usable_key
from counterfoil_server.domain import identity, wishes
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import DeadLetter, Emit, Received, Stage, answer, each
from services.verifier.tokens import Tokens, Unproven


def routes(tokens: Tokens, registry: Registry, partitions: int, now: Clock) -> tuple[Stage, ...]:
    usable: Lru[str, bool] = Lru(4096)

    async def on_requested(received: Received) -> IdentityVerified | IdentityRejected:
        request: ExchangeRequested = received.fact
        check_envelope(request, partitions, usable)
        asked, bad_wish = read(request, received.value)
        at = now()
        basis = Basis(registry_revision=registry.snapshot.revision)
        if no := identity.unproven(asked, basis, at, fresh=registry.fresh()):
            return no
        try:
            who, basis = await tokens.prove(received.headers.get(TOKEN_HEADER), asked.request_hash, at)
        except Unproven as why:
            return identity.rejected(asked, why.code, why.message, why.basis, at, issuer=why.issuer)  # type: ignore[arg-type]
        return identity.decide(asked, who, request.wish, bad_wish, basis, at)

    async def on_batch(batch: Sequence[Received], emit: Emit) -> None:
        facts = [answer(exchange_verified.TOPIC, fact, one) for one, fact in await each(batch, emit, on_requested)]
        crash.at("verifier.decided")
        await emit(facts)

    return (Stage("verifier", (exchange_requested.TOPIC,), (exchange_verified.TOPIC,), on_batch, acked="verifier.acked"),)


def check_envelope(request: ExchangeRequested, partitions: int, usable: Lru[str, bool]) -> None:
    """Without these two nobody can be answered: the only requests that end as dead letters. `usable`: keys that were tried already."""
    if request.reply_to.partition >= partitions:
        raise DeadLetter("bad_reply_to")
    if usable.get(request.requester_key):
        return
    try:
        good = usable_key(from_url(request.requester_key.encode()))
    except ValueError:
        good = False
    if not good:
        raise DeadLetter("bad_requester_key")
    usable.put(request.requester_key, value=True)


def read(request: ExchangeRequested, value: bytes) -> tuple[Asked, str | None]:
    """What was asked, and what is wrong with the wish, if anything is."""
    wish_hash, bad = hash_wish(request.wish)
    if bad is None:
        try:
            wishes.read(request.wish)
        except wishes.BadWish as error:
            bad = str(error)
    asked = Asked(
        request_id=request.request_id,
        request_hash=digest(value),
        wish_hash=wish_hash,
        requester_key=request.requester_key,
        reply_to=request.reply_to,
        deadline=request.deadline,
        connector=wishes.connector_of(request.wish) if wish_hash else None,
    )
    return asked, bad


def hash_wish(wish: Any) -> tuple[str | None, str | None]:
    if deeper(wish, DEEPEST_WISH):
        return None, f"a wish is nested at most {DEEPEST_WISH} deep"
    try:
        text = canonical(wish)
    except (NotCanonical, RecursionError):
        return None, "a number in the wish is a fraction or beyond 2^53, or a text is no Unicode"
    return (digest(text), None) if len(text) <= LARGEST_WISH else (None, "a wish has at most 16 KiB")
