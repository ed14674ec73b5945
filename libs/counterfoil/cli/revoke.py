"""counterfoil revoke: one credential of one's own, or whatever a predicate names."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from counterfoil.cli import options, predicates, printing
from counterfoil.cli.exits import CODES, UNAVAILABLE, say
from counterfoil.cli.printing import Output
from counterfoil.client.errors import NotFound, Refused
from counterfoil.client.lifetime import seconds

if TYPE_CHECKING:
    from counterfoil.cli.session import V1, Session

PATIENCE = timedelta(seconds=60)


def verb(
    credential_id: Annotated[UUID | None, typer.Argument(help="One credential. Your own, unless --operator.")] = None,
    connector: predicates.Connector = None, project: predicates.Project = None, environment: predicates.Environment = None,
    subject_hash: predicates.SubjectHash = None, issuer: predicates.Issuer = None,
    since: Annotated[str | None, typer.Option(help="Minted since: a time (RFC 3339), or a while ago like 1h.")] = None,
    cause: Annotated[str, typer.Option(help="Why, for the audit log.")] = "asked for on the command line",
    operator: Annotated[bool, typer.Option("--operator", help="Revoke as an operator what is not your own.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until every one is settled.")] = True,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Revoke a credential, or all that a predicate names (its members narrow each other; wider ones are an operator's).

    \b
    counterfoil revoke 6f1c7c0e-5d0a-5f0e-9a53-0d3c9c9d8f11
    counterfoil revoke --connector postgres/demo --dry-run
    counterfoil revoke --project web --environment preview --since 1h
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    named = {"connector": connector, "project": project, "environment": environment, "sub_hash": subject_hash, "issuer": issuer,
             "since": time_of(since)}  # fmt: skip
    predicate = {member: value for member, value in named.items() if value is not None}
    if (credential_id is None) == (not predicate):
        raise typer.BadParameter("give either a credential or a predicate like --connector")
    if credential_id is not None and not (operator or dry_run):
        settle(run(own(Session(url), credential_id)), output)
        return
    if credential_id is not None:
        predicate = {"credential_id": str(credential_id)}
    settle(run(wider(Session(url, operator=True), {"predicate": predicate, "cause": cause, "dry_run": dry_run}, wait)), output)


async def own(session: "Session", credential_id: UUID) -> dict[str, Any]:
    async with session.client() as cf:
        answer = await cf.revoke(credential_id)
    if answer["accepted"] is None:
        raise NotFound(
            "not_found", f"you have no credential {credential_id}", fix="`counterfoil credentials` lists yours; --operator revokes others'"
        )
    return {"credential_id": str(credential_id)} | answer


async def wider(session: "Session", order: dict[str, Any], wait: bool) -> dict[str, Any]:
    async with session.v1() as v1:
        answer: dict[str, Any] = await v1.post("revocations", order)
        if order["dry_run"] or not wait:
            return answer
        say(f"accepted: {answer['id']}; nothing more is minted or handed over for it, until `counterfoil lift` says so")
        return await settled(v1, answer["id"])


async def settled(v1: "V1", order: str) -> dict[str, Any]:
    import asyncio

    until = datetime.now(UTC) + PATIENCE
    while True:
        found: dict[str, Any] = await v1.get(f"revocations/{order}", wait="5")
        if found["state"] == "revoked" or datetime.now(UTC) > until:
            return found
        await asyncio.sleep(0.2)


def settle(found: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        printing.line(str(found.get("id") or found.get("revocation_id") or found.get("credential_id") or ""))
    else:
        printing.members({name: value for name, value in found.items() if name != "left"})
        printing.table(found["left"], ("credential_id", "state", "expires_at")) if found.get("left") else None
    if found.get("state") in {"stuck", "uncertain"} or any(found.get("counts", {}).get(word) for word in ("stuck", "uncertain")):
        say("not all are dead: it is tried on; `counterfoil credentials --state stuck` lists them")
        raise typer.Exit(CODES[Refused])
    if found.get("counts") and found.get("state") == "accepted":
        say("accepted, and not all are settled yet")
        raise typer.Exit(UNAVAILABLE)


def time_of(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return (datetime.now(UTC) - timedelta(seconds=seconds(text))).isoformat()
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a time like 2026-11-24T12:00:00Z, or a while like 1h", param_hint="--since") from None
    return found.astimezone(UTC).isoformat()
