"""What a proven caller may have: a link must exist, its ceiling must cover the wish, and policy must permit it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.contracts.exchange_authorized import DenialCode, Evidence, GrantApproved, GrantDenied, Grounds
from counterfoil.contracts.exchange_requested import Wish
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.contracts.registry import Connector, Link
from counterfoil_server.domain import ceiling, vocabulary
from counterfoil_server.domain.vocabulary import Ask


@dataclass(frozen=True, slots=True)
class Known:
    """What the registry says about this caller and this connector. `elsewhere`: the project's links to it in other environments.
    `installations`: the connector's that are declared beside its own.
    """

    grounds: Grounds
    evidence: Evidence
    connector: Connector | None = None
    link: Link | None = None
    elsewhere: tuple[Link, ...] = ()
    installations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """One decision, while it is made."""

    who: IdentityVerified
    wish: Wish
    known: Known
    now: datetime

    def denied(self, code: DenialCode, message: str, *, entitled: bool, **why: Any) -> GrantDenied:
        who = self.who
        return GrantDenied.after(
            who,
            at=self.now,
            connector=self.wish.connector,
            issuer=who.issuer,
            sub_hash=who.sub_hash,
            project=who.project,
            environment=who.environment,
            code=code,
            message=message[:2048],
            entitled=entitled,
            **{"grounds": self.known.grounds, **why},
        )


def decide(who: IdentityVerified, known: Known, ask: Ask, now: datetime) -> GrantApproved | GrantDenied:
    """Late, no link, beyond the ceiling, forbidden: in this order, and the first that holds is the answer."""
    case = Case(who, Wish.model_validate(who.wish), known, now)
    if now >= who.asked.deadline:
        return case.denied("late", "the deadline passed before this was decided", entitled=True)
    if known.link is None or known.connector is None:
        return unlinked(case)
    want = ceiling.wanted(case.wish, known.connector, known.link.ceiling)
    if over := ceiling.beyond(want, known.link.ceiling):
        return above(case, known.link, want, over)
    if want.installation is not None and want.installation not in known.installations:
        message = f"{known.connector.name} has no installation {want.installation}"
        return case.denied("no_link", message, entitled=known.link.entitled, rule=known.link.name)
    return ruled(case, known.link, known.connector, want, ask)


def ruled(case: Case, link: Link, connector: Connector, want: ceiling.Wanted, ask: Ask) -> GrantApproved | GrantDenied:
    """Cedar has the last word. An error in any policy is a denial: a `forbid` that could not be evaluated might have forbidden."""
    who = case.who
    verdict = ask(vocabulary.mint(who, want, connector, case.now))
    grounds = case.known.grounds.model_copy(update={"policy_hash": verdict.policy_hash})
    if verdict.error:
        return case.denied(
            "policy_error",
            f"{policy(verdict.rule)} could not be evaluated for this request",
            entitled=link.entitled,
            rule=verdict.rule,
            grounds=grounds,
        )
    if not verdict.allowed:
        message = f"{policy(verdict.rule)} forbids it" if verdict.rule else "no policy permits it"
        return case.denied("forbidden", message, entitled=link.entitled, rule=verdict.rule, grounds=grounds)
    return GrantApproved.after(
        who,
        at=case.now,
        connector=connector.name,
        installation=want.installation or connector.installation,
        issuer=who.issuer,
        sub_hash=who.sub_hash,
        project=who.project,
        environment=who.environment,
        scopes=want.scopes,
        details=want.details,
        user=want.user,
        lifetime=want.lifetime,
        rule=verdict.rule or link.name,
        grounds=grounds,
        evidence=case.known.evidence,
    )


def unavailable(who: IdentityVerified, known: Known, now: datetime) -> GrantDenied:
    """The registry could not be confirmed: what is known may be revoked already."""
    return Case(who, Wish.model_validate(who.wish), known, now).denied(
        "registry_unavailable", "the registry could not be confirmed for ten seconds", entitled=True
    )


def unlinked(case: Case) -> GrantDenied:
    """No link and no such connector look the same, save to those whom a link of their project entitles to the difference."""
    who, known, name = case.who, case.known, case.wish.connector
    if known.link is not None:
        return case.denied("no_link", f"{known.link.name} is there, the connector is not", entitled=known.link.entitled)
    environments = sorted({one for link in known.elsewhere if link.entitled for one in link.environments})
    message = f"{who.project} has no link to {name} in {who.environment}"
    if not environments:
        return case.denied("no_link", message, entitled=False)
    return case.denied("no_link", f"{message}; it has one in {', '.join(environments)}", entitled=True, nearest={"environments": environments})


def above(case: Case, link: Link, want: ceiling.Wanted, over: ceiling.Beyond) -> GrantDenied:
    said = [f"scopes {', '.join(sorted(over.scopes))}"] if over.scopes else []
    said += ["details: not all of what was asked is allowed, or only some is and none was named"] if over.details else []
    said += [f"a lifetime of more than {link.ceiling.longest} s"] if over.lifetime else []
    said += [f"the installation {over.installation}"] if over.installation else []
    said += ["on behalf of a user"] if over.user else []
    return case.denied(
        "beyond_ceiling",
        f"beyond the ceiling of {link.name}: {'; '.join(said)}",
        entitled=link.entitled,
        rule=link.name,
        beyond=over.scopes,
        beyond_details=over.details,
        beyond_lifetime=over.lifetime or None,
        nearest=ceiling.nearest(want, link.ceiling),
    )


def policy(rule: str | None) -> str:
    return f"the policy {rule}" if rule else "a policy"
