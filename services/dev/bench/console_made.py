"""What the bench's exchanges are made of: each kind of end once by the pure core, and then as often as wanted with ids, hashes and times of its own.

The rules decide each template, audit's own code puts every leaf around its fact, and each leaf names the hash of the one before it. What repeats
itself is who asked and for what; no page of the console looks at that.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified, revocation_ordered, revocation_settled
from counterfoil.contracts.base import ExchangeFact, Fact, Topic
from counterfoil.contracts.exchange_authorized import GrantApproved, GrantDenied
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused
from counterfoil.contracts.exchange_verified import IdentityRejected
from counterfoil.contracts.registry import Ceiling, Connector, Issuer, Link, Mapped, Policy
from counterfoil.contracts.revocation_ordered import RevocationOrdered
from counterfoil.contracts.revocation_settled import CredentialRevoked
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil_server.runtime.stage import Received
from services.audit.leaves import entry
from services.dev.bench.recorded import SEAL, Recorder

ISSUER = Issuer(
    name="ci", issuer="https://ci.example", pins={"owner": "acme"}, project=Mapped(claim="repository"), environment=Mapped(claim="environment"),
    record=frozenset({"ref", "workflow"}),
)  # fmt: skip
MAIN = 'forbid (principal, action, resource) unless { context.claims has ref && context.claims.ref == "refs/heads/main" };'
POLICY = Policy(name="main-only", cedar=MAIN)
CONNECTORS, PROJECTS, SUBJECTS, SORTS = 40, 200, 2000, 1000
WHEN = datetime(2001, 2, 3, 4, 5, 6, 789012, UTC)
"""Of every template; what stands there is put in its place."""
LENT = timedelta(hours=1, seconds=7)
NAMES = {"at": WHEN, "deadline": WHEN + timedelta(seconds=10), "expires": WHEN + LENT}


@dataclass(frozen=True, slots=True)
class Sort:
    """One way that an exchange goes: what happened until its end, by topic, as text with gaps, and the two facts that follow where it was granted."""

    outcome: str
    code: str
    connector: str
    project: str
    environment: str
    sub_hash: str
    facts: Sequence[tuple[str, str]]
    """Stage and text."""
    ending: Sequence[str] = ()


def registry() -> list[Any]:
    connectors = [Connector(name=f"instant/db-{at:02}", scopes=frozenset({"read"})) for at in range(CONNECTORS)]
    ceiling = Ceiling(scopes=frozenset({"read", "write"}), longest=86_400)
    links = [
        Link(
            connector=connectors[(at + step) % CONNECTORS].name, project=f"acme/app-{at:03}", environments=frozenset({"production"}), ceiling=ceiling
        )
        for at in range(PROJECTS)
        for step in (0, 7, 19)
    ]
    return [ISSUER, POLICY, *connectors, *links]


def sorts() -> list[Sort]:
    log, dice = Recorder(WHEN), random.Random(7)  # noqa: S311 - the same each time
    for one in registry():
        log.put(one)
    return [sort(log, number, dice) for number in range(SORTS)]


def sort(log: Recorder, number: int, dice: random.Random) -> Sort:
    """Of a hundred 4 are rejected, 9 denied, 3 refused, and the rest granted."""
    caller, luck = dice.randrange(SUBJECTS), dice.random()
    at = caller % PROJECTS
    claims = {
        "owner": "acme" if luck > 0.04 else "stranger", "repository": f"acme/app-{at:03}", "environment": "production",
        "ref": "refs/heads/main" if luck > 0.13 else "refs/heads/topic", "workflow": f"deploy-{caller % 5}.yml",
    }  # fmt: skip
    wish = {"connector": f"instant/db-{(at + (0, 7, 19)[number % 3]) % CONNECTORS:02}", "scopes": ["read"]}
    who = log.identified(ISSUER, f"repo:{caller}", claims, wish, log.asked(number, wish))
    if isinstance(who, IdentityRejected):
        return made("rejected", who.code, [(exchange_verified.TOPIC, who)])
    said = log.authorized(who)
    begun: list[tuple[Topic, ExchangeFact]] = [(exchange_verified.TOPIC, who), (exchange_authorized.TOPIC, said)]
    if isinstance(said, GrantDenied):
        return made("denied", said.code, begun)
    assert isinstance(said, GrantApproved)  # noqa: S101 - there is no third
    minted = refused(said) if luck < 0.16 else lent(said)
    begun.append((exchange_minted.TOPIC, minted))
    return made("refused", minted.code, begun) if isinstance(minted, MintRefused) else made("granted", "", begun)


def about(said: GrantApproved) -> dict[str, Any]:
    found = {name: getattr(said, name) for name in ("connector", "issuer", "sub_hash", "project", "environment")}
    return found | {"at": WHEN, "decision_hash": digest(encode(said))}


def refused(said: GrantApproved) -> MintRefused:
    return MintRefused.after(said, code="provider_unavailable", message="the provider did not answer", **about(said))


def lent(said: GrantApproved) -> CredentialMinted:
    return CredentialMinted.after(
        said, credential_id=exchange_minted.credential_id(said.asked.request_hash, 1), attempt=1, installation=said.installation, scopes=said.scopes,
        expires_at=NAMES["expires"], token_type="bearer",  # noqa: S106 - a kind
        revocation="by_name", reach="immediate", epoch=1, cred_digest=digest(b"secret"), box=SEAL,
        **about(said),
    )  # fmt: skip


def made(outcome: str, code: str, facts: Sequence[tuple[Topic, ExchangeFact]]) -> Sort:
    first, last = facts[0][1], vars(facts[-1][1])
    gaps = {str(first.asked.request_id): "request", first.asked.request_hash: "hash", **{str(one.id): one.stage for _, one in facts}}
    ending: Sequence[str] = ()
    if outcome == "granted":
        credential, revocation = last["credential_id"], revocation_ordered.revocation_id(last["credential_id"])
        gaps |= {str(credential): "credential", str(revocation): "revocation"}
        order = RevocationOrdered(id=revocation, at=WHEN, credential_id=credential, connector=last["connector"], cause="expired")
        dead = CredentialRevoked(
            id=ENDED, at=WHEN, credential_id=credential, revocation_id=revocation, outcome="expired"
        )  # fmt: skip
        gaps[str(ENDED)] = "ended"
        ending = [gapped(revocation_ordered.TOPIC, order, gaps), gapped(revocation_settled.TOPIC, dead, gaps)]
    connector = last.get("connector") or first.asked.connector
    texts = [(one.stage, gapped(topic, one, gaps)) for topic, one in facts]
    return Sort(outcome, code, str(connector), last.get("project", ""), last.get("environment", ""), last.get("sub_hash", ""), texts, ending)


ENDED = revocation_ordered.revocation_id(exchange_minted.credential_id("ended", 1))
TIMES: Mapping[str, str] = {one.strftime("%Y-%m-%dT%H:%M:%S.%fZ"): name for name, one in NAMES.items()}


def gapped(topic: Topic, fact: Fact, gaps: Mapping[str, str]) -> str:
    """The fact's canonical text, as its leaf has it, with a gap for whatever is each exchange's own."""
    text = entry(Received(topic, fact, encode(fact), {}, 0, 0, 0)).text.replace("%", "%%")
    for value, name in {**gaps, **TIMES}.items():
        text = text.replace(value, f"%({name})s")
    return text
