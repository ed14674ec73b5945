"""counterfoil issuer: whom the exchange believes, by platform: `add` knows what each platform's tokens need."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from counterfoil.cli import entries, options
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET

if TYPE_CHECKING:  # pydantic takes longer to import than `--help` may take
    from collections.abc import Callable

    from counterfoil.contracts.registry import Issuer

verb = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
COLUMNS = ("name", "issuer", "project", "environment", "pins", "max_age", "max_lifetime")
Kind = Literal["github", "gitlab", "kubernetes", "vercel", "aws", "google", "azure", "spiffe", "generic"]
Claims = Annotated[str | None, typer.Option(help="Another claim than the platform's usual one; /a/b is b within a (RFC 6901).")]
Age = Annotated[str | None, typer.Option(help="Instead of the platform's usual: 600, 10m, 12h.")]
Words = Annotated[list[str] | None, typer.Option(help="VALUE=WORD, several times for several; or one WORD, for all.")]


@verb.callback()
def issuer() -> None:
    """Declare which OIDC issuers are believed, and what their claims mean."""


@verb.command()
def add(
    kind: Annotated[Kind, typer.Option("--kind", "-k", help="Whose tokens these are.")],
    name: Annotated[str | None, typer.Argument(help="The entry's name; the kind where absent.")] = None,
    issuer: Annotated[str | None, typer.Option(help="As it stands in `iss`. GitHub, GitLab.com and Google have one for all.")] = None,
    pin: Annotated[list[str] | None, typer.Option(help="claim=value: the token must say just this; several times for several.")] = None,
    project: Words = None, project_claim: Claims = None, environment: Words = None, environment_claim: Claims = None,
    audience: Annotated[str | None, typer.Option(help="What `aud` must be; the exchange's own where absent.")] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="Where its keys are, if not where its discovery says.")] = None,
    max_age: Age = None, max_lifetime: Age = None,
    single_use: Annotated[bool, typer.Option("--single-use", help="Each token serves one request.")] = False,
    record: Annotated[list[str] | None, typer.Option(help="A further claim for policies to read; several times for several.")] = None,
    dry_run: options.DryRun = False, yes: options.Yes = False, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Trust a platform's tokens, and say what that means. Asks for what has to be pinned.

    \b
    counterfoil issuer add --kind github --pin repository_owner_id=7 --project 42=web --dry-run
    counterfoil issuer add cluster --kind kubernetes --issuer https://cluster.example --project web=web --environment production
    counterfoil issuer add --kind vercel --issuer https://oidc.vercel.com/acme --pin owner_id=team_1 --project prj_1=web
    counterfoil issuer add --kind aws --issuer https://1.tokens.sts.global.api.aws --project arn:aws:iam::1:role/web=web --environment production
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.presets.entry import Said, entry
    from counterfoil.cli.presets.platforms import PRESETS
    from counterfoil.cli.presets.words import meaning

    preset = PRESETS[kind]
    said = Said(
        name or kind, issuer, audience, jwks_uri, pin or (), project or (), project_claim, environment or (), environment_claim,
        seconds(max_age, "--max-age"), seconds(max_lifetime, "--max-lifetime"), single_use, record or (),
    )  # fmt: skip
    made = checked(lambda: entry(preset, said))
    for at, line in enumerate(words := meaning(preset, made)):
        say(f"{'  ' * (at > 0)}{line}")
    declared(made, words, output, url, dry_run=dry_run, yes=yes)


@verb.command("list")
def list_(output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """List the issuers that are believed.

    \b
    counterfoil issuer list
    counterfoil issuer list -o json | jq '.[].issuer'
    """  # noqa: D301 \b keeps lines as they are
    entries.listed("issuers", COLUMNS, output, url)


@verb.command()
def show(name: entries.Name, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Show one issuer's entry.

    \b
    counterfoil issuer show github -o json
    """  # noqa: D301 \b keeps lines as they are
    entries.shown("issuers", name, output, url)


@verb.command()
def remove(
    name: entries.Name, dry_run: options.DryRun = False, yes: options.Yes = False, output: options.Show = Output.TABLE,
    url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Believe an issuer no more: at once, for whatever has not been lent yet. What was lent already: `counterfoil revoke --issuer`.

    \b
    counterfoil issuer remove github --dry-run
    """  # noqa: D301 \b keeps lines as they are
    entries.removed("issuers", name, output, url, dry_run=dry_run, yes=yes)


def declared(made: "Issuer", words: list[str], output: Output, url: str, *, dry_run: bool, yes: bool) -> None:
    """All that it says is sent, its usual ages too: an entry is read years later."""
    from counterfoil.cli.applying import Wanted, go
    from counterfoil.cli.session import Session, run
    from counterfoil.contracts.registry import ordered

    also = {"entry": ordered(made.model_dump(exclude_none=True)), "means": words}
    run(go(Session(url, operator=True), Wanted([made]), output, dry_run=dry_run, yes=yes, also=also))


def seconds(text: str | None, option: str) -> int | None:
    from counterfoil.client.lifetime import seconds as read

    try:
        return None if text is None else read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def checked(make: "Callable[[], Issuer]") -> "Issuer":
    """What the contract refuses is a wrong call."""
    from pydantic import ValidationError

    try:
        return make()
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors(include_input=False, include_url=False)]
    raise typer.BadParameter("; ".join(wrong))
