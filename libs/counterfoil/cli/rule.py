"""Which issuer entry a token falls under, and what the entry would say to each of its claims. The gateway decides; this explains."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from counterfoil.contracts.claims import claim
from counterfoil.contracts.registry import Issuer, Mapped

LEEWAY = 30


@dataclass(frozen=True)
class Held:
    """One thing that the entry asks of a token."""

    what: str
    good: bool
    says: str


def matching(entries: Iterable[Mapping[str, Any]], iss: object) -> Issuer | None:
    """What a newer gateway's entry says beyond what we know is left out."""
    found = next((one for one in entries if one.get("kind") == "issuer" and one.get("issuer") == iss), None)
    return None if found is None else Issuer.model_validate({name: value for name, value in found.items() if name in Issuer.model_fields})


def held(issuer: Issuer, claims: Mapping[str, Any], audience: str, now: float | None = None) -> list[Held]:
    moment = time.time() if now is None else now
    wanted = issuer.audience or audience
    found = [Held("aud", claims.get("aud") in (wanted, [wanted]), f"must be {wanted}; the token's is {claims.get('aud')}")]
    found += ages(issuer, claims, moment)
    for name, value in issuer.pins.items():
        there = claim(claims, name)
        found.append(Held(name, there == value, f"must be {value}; the token's is {there}"))
    return [*found, word("project", issuer.project, claims), word("environment", issuer.environment, claims)]


def ages(issuer: Issuer, claims: Mapping[str, Any], now: float) -> list[Held]:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        return [Held("iat, exp", False, "must be numbers of seconds")]
    age, life, left = now - issued, expires - issued, expires - now
    return [
        Held("exp", left > -LEEWAY, f"{left:.0f} s from now"),
        Held("age", -LEEWAY <= age <= issuer.max_age, f"{age:.0f} s of {issuer.max_age}"),
        Held("lifetime", 0 < life <= issuer.max_lifetime, f"{life:.0f} s of {issuer.max_lifetime}"),
    ]


def word(what: str, source: Mapped, claims: Mapping[str, Any]) -> Held:
    if source.claim is None:
        return Held(what, True, f"{source.value}, always")
    there = claim(claims, source.claim)
    text = str(there) if isinstance(there, int) and not isinstance(there, bool) else there
    found = source.map.get(text) if source.map is not None and isinstance(text, str) else text
    good = isinstance(found, str) and 0 < len(found) <= 128 and found.isprintable()
    if good:
        return Held(what, True, f"{found}, by {source.claim}")
    return Held(what, False, f"{source.claim} is {'missing' if there is None else f'{there}, which is not listed'}")


def document(issuer: Issuer, found: Iterable[Held]) -> dict[str, Any]:
    return {"entry": issuer.name, "issuer": issuer.issuer, "checks": [asdict(one) for one in found]}
