"""explain: what an exchange would come to, without one. Nothing is lent, nothing goes onto the bus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.client.deadline import Deadline
from counterfoil.client.door import Door
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.wish import Wish
from counterfoil.wire.secret import Secret


@dataclass(frozen=True, slots=True)
class Explanation:
    """`granted` with what would be lent, or `code` and `message` of the no. The rest is empty for callers who may not know it."""

    granted: bool
    code: str | None
    message: str
    fix: str
    rule: str | None
    """Of which link or policy it is."""
    beyond: tuple[str, ...]
    """Scopes beyond the ceiling; so `beyond_details` and `beyond_lifetime`."""
    beyond_details: tuple[Mapping[str, Any], ...]
    beyond_lifetime: int | None
    nearest: Mapping[str, Any] | None
    """What would have been granted in its place."""
    scopes: tuple[str, ...]
    details: tuple[Mapping[str, Any], ...]
    lifetime: int | None

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> "Explanation":
        """Members that a newer gateway adds are left out. TypeError where it is no explanation."""
        if not isinstance(found.get("granted"), bool):
            raise TypeError("granted is no yes and no no")
        return cls(
            granted=found["granted"], code=found.get("code"), message=found.get("message") or "", fix=found.get("fix") or "", rule=found.get("rule"),
            beyond=tuple(found.get("beyond") or ()), beyond_details=tuple(found.get("beyond_details") or ()),
            beyond_lifetime=found.get("beyond_lifetime"), nearest=found.get("nearest"), scopes=tuple(found.get("scopes") or ()),
            details=tuple(found.get("details") or ()), lifetime=found.get("lifetime"),
        )  # fmt: skip


class Explaining:
    """An Attempt. It changes nothing, so it may be repeated at will."""

    def __init__(self, door: Door, wish: Wish, token: Secret, deadline: Deadline) -> None:
        self._door, self._wish, self._token, self._deadline = door, wish, token, deadline

    async def answered(self) -> Explanation:
        answer = await self._door.call("POST", "/v1/explain", self._deadline, bearer=self._token, body=self._wish.document())
        try:
            return Explanation.read(answer if isinstance(answer, dict) else {})
        except TypeError:
            fix = "check that COUNTERFOIL_URL is the URL of a Counterfoil gateway"
            raise CounterfoilError("bad_answer", "what answered is no Counterfoil gateway", fix=fix) from None
