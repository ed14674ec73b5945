"""counterfoil whoami: the claims of one's own token, where it came from, what the gateway makes of it and by which rule."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from counterfoil.cli.session import V1, Session
    from counterfoil.client.ambient.chain import Tried
    from counterfoil.client.errors import CounterfoilError

UNKNOWN = "only who may read the registry learns the rule: an operator has it with `counterfoil issuer show`"


def verb(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Where the token was looked for, and the issuer entry it falls under.")] = False,
    output: options.Show = Output.TABLE, project: options.Project = "web", environment: options.Environment = "production",
    url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Show who you are: the token's claims as it states them, and what the gateway says to it.

    \b
    counterfoil whoami
    counterfoil whoami --verbose
    counterfoil whoami -o json | jq .gateway.role
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run
    from counterfoil.client.errors import NoIdentity

    try:
        found, error = run(ask(Session(url, project, environment), verbose=verbose))
    except NoIdentity as none:
        if verbose and output is Output.JSON:
            printing.document({"chain": chain(none.tried), "claims": None, "gateway": {}})
        raise
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        printing.line(str(found["gateway"].get("sub_hash") or found["claims"].get("sub") or ""))
    else:
        show(found)
    if error is not None:  # one's own claims are what is needed to see why
        raise error


async def ask(session: "Session", *, verbose: bool) -> "tuple[dict[str, Any], CounterfoilError | None]":
    from counterfoil.cli.claims import unverified_claims
    from counterfoil.client.errors import CounterfoilError

    got = await session.find()
    claims = unverified_claims(got.token)
    found: dict[str, Any] = {"claims": claims, "gateway": {}}
    failed = None
    async with session.v1(got.token) as v1:
        try:
            found["gateway"] = await v1.get("whoami")
        except CounterfoilError as error:
            failed = error
        if verbose:
            found |= {"chain": chain(got.tried), "rule": await rule(v1, claims)}
    return found, failed


def chain(tried: "Iterable[Tried]") -> list[dict[str, str]]:
    return [{"source": one.source, "outcome": one.outcome, "why": one.why, "fix": one.fix} for one in tried]


async def rule(v1: "V1", claims: dict[str, Any]) -> dict[str, Any]:
    from counterfoil.cli.rule import document, held, matching
    from counterfoil.client.deadline import Deadline
    from counterfoil.client.errors import CounterfoilError

    try:
        entries = (await v1.get("registry"))["entries"]
        audience = (await v1.door.known(Deadline(v1.timeout))).audience
    except CounterfoilError as error:
        return {"unknown": UNKNOWN, "because": error.code}
    issuer = matching(entries, claims.get("iss"))
    if issuer is None:
        return {"none": f"no entry is for {claims.get('iss')}: `counterfoil issuer add`"}
    return document(issuer, held(issuer, claims, audience))


def show(found: dict[str, Any]) -> None:
    printing.members({name: found[name] for name in ("claims", "gateway")})
    if "chain" not in found:
        return
    printing.line("")
    printing.table(found["chain"], ("source", "outcome", "why"))
    printing.line("")
    ours = found["rule"]
    if "checks" in ours:
        printing.members({"rule": {"entry": ours["entry"], "issuer": ours["issuer"]}})
        printing.table([one | {"good": "yes" if one["good"] else "NO"} for one in ours["checks"]], ("what", "good", "says"))
    else:
        say(ours.get("unknown") or ours["none"])
