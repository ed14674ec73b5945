"""counterfoil audit coverage, erase-subject: what is asked of the database itself, as the role ops."""

import re
import sys
from datetime import timedelta
from typing import Annotated

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET
from counterfoil_server.runtime.key_folder import BadKeyFile
from services.ops import audit_coverage, audit_erasing
from services.ops.keys import RootHere, now, on_database

DOES_NOT_HOLD, NOTHING_THERE = 1, 3
DIGEST = re.compile(r"[0-9a-f]{64}")
COLUMNS = ("kind", "name", "message")
Grace = Annotated[int, typer.Option(min=0, help="Seconds: what is younger may still be on its way.")]
Hashed = Annotated[str | None, typer.Option("--sub-hash", help="The subject's digest, as leaves have it.")]
Text = Annotated[str | None, typer.Option("--subject", help="Or its text, with --issuer; - reads it from stdin, so that no history has it.")]
Issuer = Annotated[str | None, typer.Option("--issuer", help="The issuer's URL, exactly as tokens have it.")]
app = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)


@app.callback()
def audit() -> None:
    """Check the log against the ledger, and erase a subject's text. COUNTERFOIL_DATABASE names the database, as the role ops or its owner."""


@app.command()
def coverage(grace: Grace = audit_coverage.GRACE.seconds, output: options.Show = Output.TABLE) -> None:
    """Join ledger and log both ways: every credential, end, answer and change has its leaf, and every such leaf its row. Exit code 1: not so.

    \b
    counterfoil audit coverage
    counterfoil audit coverage --grace 10 -o json
    """  # noqa: D301 \b keeps lines as they are
    found = on_database(lambda db: audit_coverage.covered(db, timedelta(seconds=grace)))
    if output is Output.JSON:
        printing.document({"counts": found.counts, "missing": found.missing})
    elif output is Output.TOKEN:
        for row in found.missing:
            printing.line(row["name"])
    elif found.missing:
        printing.table(found.missing, COLUMNS)
    counts = ", ".join(f"{count} {name}" for name, count in found.counts.items())
    if found.missing:
        say(f"{len(found.missing)} do not match, of {counts}")
        raise typer.Exit(DOES_NOT_HOLD)
    say(f"ledger and log match: {counts}")


@app.command("erase-subject")
def erase_subject(sub_hash: Hashed = None, subject: Text = None, issuer: Issuer = None, root: RootHere = None) -> None:
    """Erase a subject's text: the one thing beside the log that may go. That it was done is a leaf; every proof and every replay holds as before.

    Whoever asks again leaves the text again: block the subject first. Exit code 3: there is no text of it.

    \b
    counterfoil audit erase-subject --sub-hash a0702b5fe1ffd9b9bea43fe46653619eb3e8ddb36e386f695b5ae1bf6ed72874
    counterfoil audit erase-subject --issuer https://id.example.com --subject - --root keys < subject.txt
    """  # noqa: D301 \b keeps lines as they are
    hashed = wanted(sub_hash, subject, issuer, root)
    if not on_database(lambda db: audit_erasing.erase(db, hashed, now())):
        say("counterfoil: there is no text of this subject")
        raise typer.Exit(NOTHING_THERE)
    printing.line(hashed)
    say("erased; the record of it comes to the log within seconds")


def wanted(sub_hash: str | None, subject: str | None, issuer: str | None, root: RootHere) -> str:
    if sub_hash is not None and subject is None and issuer is None:
        if not DIGEST.fullmatch(sub_hash):
            raise typer.BadParameter("64 digits of lower-case hex", param_hint="--sub-hash")
        return sub_hash
    if sub_hash is not None or subject is None or issuer is None:
        raise typer.BadParameter("give --sub-hash, or --subject and --issuer")
    if root is None:
        raise typer.BadParameter("--root is needed with --subject: its digest is made with subject.key of verifier or gateway")
    try:
        return audit_erasing.hashed(root, issuer, sys.stdin.readline().rstrip("\n") if subject == "-" else subject)
    except BadKeyFile as error:
        raise typer.BadParameter(str(error), param_hint="--root") from None
