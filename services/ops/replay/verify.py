"""Every verify and authorize decision of a log, made again from what it recorded: the same bytes, or a drift."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import cast
from uuid import UUID

from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil_server.domain.replay import SCHEMA
from counterfoil_server.replay.history import History, NoHistory
from counterfoil_server.replay.source import EVERYTHING, Source, Window
from services.ops.replay.verify_grant import Grants
from services.ops.replay.verify_identity import Identities
from services.ops.replay.verify_outcome import EQUAL, Outcome, Tally, drifted
from services.ops.replay.verify_recorded import Recorded, kinds
from services.ops.replay.verify_text import cause
from services.ops.replay.verify_who import Who

KEPT = 1 << 15
NEAR = 2048
"""So many identities are remembered, and so many decisions wait for theirs: most stand a batch apart. For the rest the log is asked."""
VERIFIED, REJECTED, AUTHORIZED = "identity.verified", "identity.rejected", ("grant.approved", "grant.denied")
IDENTITY, GRANT = b'"kind":"identity.verified"', b'"kind":"grant.'
"""Hints: a claim may hold such a text, too."""


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
                self.take(index, leaf)
            if len(self._waiting) >= NEAR:
                await self._settle()
            progress(self._source.done)
        await self._settle()
        return self.tally

    def take(self, index: int, leaf: bytes) -> None:
        self.tally.leaves += 1
        if IDENTITY in leaf:
            self._verified(index, leaf)
        elif not (GRANT in leaf and self._kept(leaf)):
            self._at_length(Recorded(index, leaf))

    def _verified(self, index: int, leaf: bytes) -> None:
        cut = self.identities.cut(leaf)
        question = None if cut is None else self.identities.kept(cut)
        if cut is not None and question is not None:
            self.tally.equal[VERIFIED] += 1
            self._remember(Who(leaf, cut.id, cut.sha256, cut, question))
            return
        one, model = Recorded(index, leaf), [cast("IdentityVerified | None", None)]
        if one.kind != VERIFIED:
            self._at_length(one)
            return

        def decide(recorded: Recorded) -> Outcome:
            outcome, model[0] = self.identities.verified(recorded)
            return outcome

        who = Who.of(one)
        if self._decided(one, decide) is EQUAL and model[0] is not None:
            who.model = model[0]
            if cut is not None:
                who.cut, who.question = cut, self.identities.keep(cut, model[0])
        self._remember(who)

    def _kept(self, leaf: bytes) -> bool:
        """Its one identity is near, and an answer is kept."""
        whos = self._near.get(cause(leaf), ())
        kind = self.grants.kept(leaf, whos[0]) if len(whos) == 1 else None
        if kind is not None:
            self.tally.equal[kind] += 1
        return kind is not None

    def _at_length(self, one: Recorded) -> None:
        if one.kind in AUTHORIZED:
            self._authorized(one)
        elif one.kind == REJECTED:
            self._decided(one, self.identities.rejected)
        elif one.kind not in self._known:
            self.tally.apart[f"{one.kind}: of newer code, unknown to this"] += 1

    def _remember(self, who: Who) -> None:
        self._near.setdefault(who.id, []).append(who)
        self._near.move_to_end(who.id)
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
                found.setdefault(str(who.fact["id"]), []).append(Who.of(who))
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
