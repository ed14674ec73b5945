"""Cedar: policies parsed once, asked by the connector they can concern. Knows no rule.

https://docs.cedarpolicy.com/auth/authorization.html
"""

from collections.abc import Mapping
from typing import Any

import cedarpy
from pydantic_core import to_json

from counterfoil.wire.lru import Lru
from counterfoil_server.runtime.concern import BadPolicy, Parsed, parse
from counterfoil_server.runtime.slices import Slice, Verdict

KEPT = 4096
Json = Mapping[str, Any]


class Engine:
    """For one snapshot of the registry. `before`: the engine it follows; what has not changed is not parsed again. `kept`: how many answers are.

    Who asks and what for is the same under any policy: what was parsed of them goes over to the next.
    """

    def __init__(self, texts: Mapping[str, str], before: "Engine | None" = None, kept: int = KEPT) -> None:
        self.texts = dict(sorted(texts.items()))
        known = before.parsed if before is not None else {}
        self.parsed: dict[str, Parsed | None] = {text: known[text] if text in known else parsed(text) for text in self.texts.values()}
        self._everywhere: list[str] = []
        self._own: dict[str, list[str]] = {}
        for name, text in self.texts.items():
            self._sort(name, self.parsed[text])
        self._slices: Lru[str, Slice] = Lru(KEPT)
        self._entities: Lru[str, cedarpy.Entities] = Lru(KEPT) if before is None else before._entities  # noqa: SLF001 - one of its own kind
        self._verdicts: Lru[tuple[str, ...], Verdict] = Lru(kept)

    def _sort(self, name: str, found: Parsed | None) -> None:
        if found is None or found.connectors is None:
            self._everywhere.append(name)
            return
        for connector in found.connectors:
            self._own.setdefault(connector, []).append(name)

    def ask(self, principal: Json, action: str, resource: Json, context: Json, connector: str | None) -> Verdict:
        """Pure, so an answer is kept. The clock is part of the question only where a policy of the slice may read it."""
        asked = self.slice(connector)
        if not asked.timed:
            context = {name: value for name, value in context.items() if name != "at"}
        who, what, about = compact(principal), compact(resource), compact(context)
        key = (asked.policy_hash, who, action, what, about)
        verdict = self._verdicts.get(key)
        if verdict is None:
            request = {"principal": principal["uid"], "action": {"type": "Action", "id": action}, "resource": resource["uid"], "context": about}
            verdict = asked.judge(request, self._entity_set(f"[{who},{what}]"))
            self._verdicts.put(key, verdict)
        return verdict

    def slice(self, connector: str | None) -> Slice:
        """Connectors that no policy names share one."""
        own = self._own.get(connector or "", [])
        place = connector or "" if own else ""
        found = self._slices.get(place)
        if found is None:
            found = Slice.of({name: self.texts[name] for name in sorted({*self._everywhere, *own})}, self.parsed)
            self._slices.put(place, found)
        return found

    def _entity_set(self, text: str) -> cedarpy.Entities:
        found = self._entities.get(text)
        if found is None:
            found = cedarpy.Entities.from_json_str(text)
            self._entities.put(text, found)
        return found


def parsed(text: str) -> Parsed | None:
    """None for what cannot be read. It stands in every slice and makes every answer a no: who knows what it would have forbidden."""
    try:
        return parse(text)
    except BadPolicy:
        return None


def compact(value: Json) -> str:
    return to_json(value).decode()
