"""exchange.verified -> exchange.authorized."""

from collections.abc import Sequence

from counterfoil.contracts import exchange_authorized, exchange_verified
from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved, GrantDenied, Grounds
from counterfoil.contracts.exchange_verified import IdentityRejected, IdentityVerified
from counterfoil.wire.envelope import SIGNATURE
from counterfoil_server.domain import grants, links
from counterfoil_server.domain.known import look_up
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.rulebook import Rulebook
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import Emit, Received, Stage, answer, each_now


def routes(registry: Registry, now: Clock) -> tuple[Stage, ...]:
    rules = Rulebook(links.compiled)

    def on_verified(received: Received) -> GrantApproved | GrantDenied | None:
        fact: IdentityVerified | IdentityRejected = received.fact
        match fact:
            case IdentityVerified():
                rules.follow(registry.snapshot)
                evidence = Evidence(value=received.value.decode(), signature=received.headers[SIGNATURE].decode())
                if not registry.fresh():
                    return grants.unavailable(fact, grants.Known(Grounds(registry_revision=registry.snapshot.revision), evidence), now())
                return grants.decide(fact, look_up(rules.snapshot, fact, evidence), rules.ask, now())
            case IdentityRejected():
                return None  # audit answers

    async def on_batch(batch: Sequence[Received], emit: Emit) -> None:
        decided = each_now(batch, emit, on_verified)
        crash.at("policy.decided")
        await emit([answer(exchange_authorized.TOPIC, fact, one) for one, fact in decided if fact is not None])

    return (Stage("policy", (exchange_verified.TOPIC,), (exchange_authorized.TOPIC,), on_batch, acked="policy.acked"),)
