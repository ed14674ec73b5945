"""Every verify and authorize decision of a log, made again from what it recorded: the same bytes, or a drift."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from uuid import UUID

from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil_server.domain.replay import SCHEMA
from counterfoil_server.replay.history import History, NoHistory
from counterfoil_server.replay.source import EVERYTHING, Source, Window
from services.ops.replay.verify_grant import Grants, Who
from services.ops.replay.verify_identity import Identities
from services.ops.replay.verify_outcome import EQUAL, Outcome, Tally, drifted
from services.ops.replay.verify_recorded import Recorded, kinds

KEPT = 1 << 15
NEAR = 2048
"""So many identities are remembered, and so many decisions wait for theirs: most stand a batch apart. For the rest the log is asked."""
VERIFIED, REJECTED, AUTHORIZED = "identity.verified", "identity.rejected", ("grant.approved", "grant.denied")


class Verification:
    def __init__(self, source: Source, history: History, kept: int = KEPT) -> None:
        self._source, self._whole = source, source.first == 0
        self.tally = Tally()
        self.identities, self.grants = Identities(history, kept), Grants(history, kept)
        self._near: OrderedDict[str, list[Who]] = OrderedDict()
        self._waiting: list[Recorded] = []
        self._known = kinds()

    async def run(self, window: Window = EVERYTHING, progress: Callable[[float], None] = lambda _: None) -> Tally:
        async for part in self._source.parts(window):
            for index, leaf in part:
                self.take(Recorded(index, leaf))
            if len(self._waiting) >= NEAR:
                await self._settle()
            progress(self._source.done)
        await self._settle()
        return self.tally

    def take(self, one: Recorded) -> None:
        self.tally.leaves += 1
        kind = one.kind
        if kind == VERIFIED:
            self._verified(one)
        elif kind in AUTHORIZED:
            self._authorized(one)
        elif kind == REJECTED:
            self._decided(one, self.identities.rejected)
        elif kind not in self._known:
            self.tally.apart[f"{kind}: of newer code, unknown to this"] += 1

    def _verified(self, one: Recorded) -> None:
        model: list[IdentityVerified | None] = [None]

        def decide(recorded: Recorded) -> Outcome:
            outcome, model[0] = self.identities.verified(recorded)
            return outcome

        sound = self._decided(one, decide) is EQUAL
        self._remember(str(one.fact.get("id")), Who(one, model[0] if sound else None, sound=sound))

    def _remember(self, name: str, who: Who) -> None:
        self._near.setdefault(name, []).append(who)
        self._near.move_to_end(name)
        if len(self._near) > NEAR:
            self._near.popitem(last=False)

    def _authorized(self, one: Recorded) -> None:
        """A denial names no evidence, only the id of its identity."""
        whos = [who for who in self._near.get(str(one.fact.get("caused_by")), ()) if fits(one, who)]
        if whos:
            self._decided(one, partial(self.grants.authorized, whos=whos))
        else:
            self._waiting.append(one)

    async def _settle(self) -> None:
        """Those whose identity was not near: the log is asked for it by its id."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        found: dict[str, list[Who]] = {}
        for index, leaf in await self._source.facts([UUID(str(one.fact["caused_by"])) for one in waiting if uuid(one.fact.get("caused_by"))]):
            who = Recorded(index, leaf)
            if who.kind == VERIFIED:
                found.setdefault(str(who.fact["id"]), []).append(Who(who))
        for one in waiting:
            whos = found.get(str(one.fact.get("caused_by")), [])
            whos = [who for who in whos if fits(one, who)] or whos
            if whos:
                self._decided(one, partial(self.grants.authorized, whos=whos))
            elif self._whole:
                self.tally.add(one, drifted(one, "the log holds no identity.verified under the id that it rests on"))
            else:
                self.tally.apart[f"{one.kind}: its identity stands before this part of the log"] += 1

    def _decided(self, one: Recorded, decide: Callable[[Recorded], Outcome]) -> Outcome | None:
        if (schema := one.schema()) != SCHEMA:
            self.tally.apart[f"{one.kind}: schema-upgraded, decided by code of schema {schema}; this is {SCHEMA}"] += 1
            return None
        try:
            outcome = decide(one)
        except NoHistory as gap:
            if not self._whole:
                self.tally.apart[f"{one.kind}: the registry's changes stand before this part of the log"] += 1
                return None
            outcome = drifted(one, str(gap))
        self.tally.add(one, outcome)
        return outcome


def fits(one: Recorded, who: Who) -> bool:
    evidence = one.fact.get("evidence")
    return not isinstance(evidence, dict) or evidence.get("sha256") == who.sha256


def uuid(text: object) -> bool:
    try:
        return bool(UUID(str(text)))
    except ValueError:
        return False
