"""counterfoil revoke: one credential of one's own, or whatever a predicate names."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

from counterfoil.cli import following, options, predicates
from counterfoil.cli.asking import agreed
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.client.errors import NotFound
from counterfoil.client.lifetime import seconds

if TYPE_CHECKING:
    from counterfoil.cli.session import Session

TIME = "a time (RFC 3339), or a while ago like 1h"


def verb(
    credential_id: Annotated[UUID | None, typer.Argument(help="One credential. Your own, unless --operator.")] = None,
    connector: predicates.Connector = None, project: predicates.Project = None, environment: predicates.Environment = None,
    subject: predicates.Subject = None, subject_hash: predicates.SubjectHash = None, issuer: predicates.Issuer = None,
    since: Annotated[str | None, typer.Option(help=f"Minted since: {TIME}.")] = None,
    until: Annotated[str | None, typer.Option(help=f"Minted before: {TIME}. What lies in the past leaves no block.")] = None,
    cause: Annotated[str, typer.Option(help="Why, for the audit log.")] = "asked for on the command line",
    operator: Annotated[bool, typer.Option("--operator", help="Revoke as an operator what is not your own.")] = False,
    order: Annotated[UUID | None, typer.Option(help="Follow an order that was given before, to its end.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do.")] = False, yes: options.Yes = False,
    wait: Annotated[bool, typer.Option(help="Follow it until every one is settled.")] = True,
    patience: Annotated[str, typer.Option(help="How long to follow it: 60s, 10m.")] = "10m",
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Revoke a credential, or all that a predicate names (its members narrow each other; wider ones are an operator's).

    What a predicate concerns is shown before it is done, and asked about on a terminal. Ctrl-C ends the following, not the order.

    \b
    counterfoil revoke 6f1c7c0e-5d0a-5f0e-9a53-0d3c9c9d8f11
    counterfoil revoke --connector postgres/demo --dry-run
    counterfoil revoke --project web --environment preview --since 1h --cause "laptop lost" --yes
    counterfoil revoke --issuer https://issuer.example --subject build-7
    counterfoil revoke --order 581bdae1-f5ad-48a1-8d93-db13cf0a82a8
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    named = {"connector": connector, "project": project, "environment": environment, "subject": subject, "sub_hash": subject_hash,
             "issuer": issuer, "since": time_of(since, "--since"), "until": time_of(until, "--until")}  # fmt: skip
    predicate, longest = checked(named, credential_id, order), length(patience)
    if credential_id is not None and not (operator or dry_run):
        following.ended(run(own(Session(url), credential_id)), output)
        return
    given = {"id": str(order or uuid4()), "predicate": predicate, "cause": cause}
    try:
        following.ended(run(wider(Session(url, operator=True), given, dry_run=dry_run, yes=yes, longest=longest if wait else 0)), output)
    except KeyboardInterrupt:
        say(f"not followed any more: counterfoil revoke --order {given['id']} goes on where it was, if it was given")
        raise


def checked(named: Mapping[str, str | None], credential_id: UUID | None, order: UUID | None) -> dict[str, str]:
    """The predicate; empty where an order is followed."""
    predicate = {member: value for member, value in named.items() if value is not None}
    if [credential_id is not None, bool(predicate), order is not None].count(True) != 1:
        raise typer.BadParameter("give a credential, or a predicate like --connector, or an --order that was given")
    if "subject" in predicate and ("issuer" not in predicate or "sub_hash" in predicate):
        raise typer.BadParameter("a subject is one of an --issuer, and has no --subject-hash beside it", param_hint="--subject")
    return {"credential_id": str(credential_id)} if credential_id else predicate


async def own(session: "Session", credential_id: UUID) -> dict[str, Any]:
    async with session.client() as cf:
        answer = await cf.revoke(credential_id)
    if answer["accepted"] is None:
        raise NotFound(
            "not_found", f"you have no credential {credential_id}", fix="`counterfoil credentials` lists yours; --operator revokes others'"
        )
    return {"credential_id": str(credential_id)} | answer


async def wider(session: "Session", given: dict[str, Any], *, dry_run: bool, yes: bool, longest: float) -> dict[str, Any]:
    """Looked at, agreed to, given, followed. Without a predicate it was given before, and is followed."""
    async with session.v1() as v1:
        if given["predicate"]:
            tried: dict[str, Any] = await v1.post("revocations", {**given, "dry_run": True})
            if dry_run:
                return tried
            following.would(tried)
            agreed("Do that?", yes=yes)
            say(f"order {given['id']}; if this ends before it does: counterfoil revoke --order {given['id']}")
            answer: dict[str, Any] = await v1.post("revocations", {**given, "dry_run": False})
            following.stands(answer["accepted"])
            if not longest:
                return answer
        return await following.followed(v1, session.token, given["id"], longest)


def length(text: str) -> float:
    try:
        return float(seconds(text))
    except ValueError:
        raise typer.BadParameter("a while like 60s or 10m", param_hint="--patience") from None


def time_of(text: str | None, option: str = "--since") -> str | None:
    if text is None:
        return None
    try:
        return (datetime.now(UTC) - timedelta(seconds=seconds(text))).isoformat()
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a time like 2026-11-24T12:00:00Z, or a while like 1h", param_hint=option) from None
    return found.astimezone(UTC).isoformat()
