"""What an exchange would come to: the rules of verify, authorize and mint over a request that nobody sends. Nothing reaches the bus."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from counterfoil.contracts.base import Asked, ReplyTo
from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved, GrantDenied
from counterfoil.contracts.exchange_requested import Wish
from counterfoil.contracts.exchange_verified import Basis, IdentityVerified
from counterfoil.contracts.registry import Connector
from counterfoil_server.domain import grants, known, links, vocabulary
from counterfoil_server.domain.ceiling import UNASKED, Wanted
from counterfoil_server.domain.grants import Known
from counterfoil_server.domain.vocabulary import Question
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.rulebook import Rulebook
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.slices import Verdict
from services.gateway.place import Place
from services.gateway.standing import Standing
from services.gateway.table import TABLE

NOBODY = Evidence(value="", signature="")
UNIFORM = {"code": "denied", "message": "This request is denied."}
"""For whom may not know more, as the audit stage says it."""
STOPPED = "the connector is fenced, or a block stands against this caller"
NOTHING: dict[str, Any] = {
    "granted": False, "code": None, "message": "", "rule": None, "beyond": [], "beyond_details": [], "beyond_lifetime": None, "nearest": None,
    "scopes": [], "details": [], "lifetime": None, "installation": None, "policy_hash": None,
}  # fmt: skip


class Explainer:
    def __init__(self, registry: Registry, standing: Standing, now: Clock) -> None:
        self._registry, self._standing, self._now = registry, standing, now
        self._rules, self._following = Rulebook(links.compiled), asyncio.Lock()

    async def explain(self, place: Place, wish: Wish, *, reader: bool) -> dict[str, Any]:
        """`reader`: whether the caller may read the registry anyway. The same work is done whatever is found."""
        who = self._identity(place, wish)
        async with self._following:
            if self._registry.snapshot is not self._rules.snapshot:  # thousands of links are parsed for a while, and nobody else shall wait
                await asyncio.to_thread(self._rules.follow, self._registry.snapshot)
            found = known.look_up(self._rules.snapshot, who, NOBODY)
            decision = self._decided(who, wish, found)
        about = {"connector": wish.connector, "project": who.project, "environment": who.environment,
                 "issuer": who.issuer, "sub_hash": who.sub_hash}  # fmt: skip
        stands = await self._standing.now(about)
        said = shown(decision, found, reader=reader)
        if said["granted"] and not stands:
            said |= {"granted": False, "code": "revoked", "message": STOPPED}
        fix = TABLE[said["code"]].fix if said["code"] else ""
        return said | {"fix": fix, "revision": found.grounds.registry_revision}

    def _decided(self, who: IdentityVerified, wish: Wish, found: Known) -> GrantApproved | GrantDenied:
        """Cedar is asked in any case: how long it took must not tell what there is."""
        asked: list[Question] = []

        def ask(question: Question) -> Verdict:
            asked.append(question)
            return self._rules.ask(question)

        decision = grants.decide(who, found, ask, who.at)
        if not asked:
            self._rules.ask(in_vain(who, wish))
        return decision

    def _identity(self, place: Place, wish: Wish) -> IdentityVerified:
        now, revision = self._now(), self._registry.snapshot.revision
        asked = Asked(request_id=UUID(int=0), request_hash="0" * 64, requester_key="", reply_to=ReplyTo(partition=0, instance="explain"),
                      deadline=now + timedelta(minutes=1), connector=wish.connector)  # fmt: skip
        return IdentityVerified.about(
            asked, at=now, issuer=place.issuer, sub_hash=place.sub_hash, subject=place.subject, project=place.project,
            environment=place.environment, claims=place.claims, wish=wish.model_dump(mode="json", exclude_unset=True), subject_box="",
            basis=Basis(registry_revision=revision),
        )  # fmt: skip


def in_vain(who: IdentityVerified, wish: Wish) -> Question:
    """As if there were such a link: its answer is thrown away."""
    connector = Connector.model_construct(name=wish.connector, installation=wish.installation or "default")
    want = Wanted(frozenset(wish.scopes), wish.details, wish.lifetime or UNASKED, connector.installation)
    return vocabulary.mint(who, want, connector, who.at)


def shown(decision: GrantApproved | GrantDenied, found: Known, *, reader: bool) -> dict[str, Any]:
    if isinstance(decision, GrantApproved):
        return granted(decision, entitled=reader or bool(found.link and found.link.entitled))
    if not (reader or decision.entitled):
        return NOTHING | UNIFORM
    if found.connector is None and found.link is None and reader:
        return NOTHING | {"code": "unknown_connector", "message": f"there is no connector {decision.connector}"}
    return denied(decision)


def granted(decision: GrantApproved, *, entitled: bool) -> dict[str, Any]:
    return NOTHING | {
        "granted": True, "message": "This would be granted.", "rule": decision.rule if entitled else None,
        "scopes": sorted(decision.scopes), "details": list(decision.details), "lifetime": decision.lifetime, "installation": decision.installation,
        "policy_hash": decision.grounds.policy_hash if entitled else None,
    }  # fmt: skip


def denied(decision: GrantDenied) -> dict[str, Any]:
    return NOTHING | {
        "code": decision.code, "message": decision.message, "rule": decision.rule, "beyond": sorted(decision.beyond),
        "beyond_details": list(decision.beyond_details), "beyond_lifetime": decision.beyond_lifetime, "nearest": decision.nearest,
        "policy_hash": decision.grounds.policy_hash,
    }  # fmt: skip
