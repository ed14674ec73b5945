"""What the helpers of git, Docker, AWS and kubectl share. Other programs start them all the time: no typer, nothing heavy before it is needed."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from counterfoil.cli import sugar
from counterfoil.client.lifetime import seconds

if TYPE_CHECKING:
    from counterfoil.cli.held import Fits
    from counterfoil.cli.session import Session
    from counterfoil.client.credential import Credential

URL, USUAL_URL = "COUNTERFOIL_URL", "http://127.0.0.1:8484"
INTERRUPTED = 130


def parser(
    program: str, about: str, lifetime: str, examples: str = "", kind: type[argparse.ArgumentParser] = argparse.ArgumentParser
) -> argparse.ArgumentParser:
    """With the options of a wish."""
    plain = argparse.RawDescriptionHelpFormatter
    made = kind(prog=program, description=about, epilog=examples, formatter_class=plain, allow_abbrev=False)
    made.add_argument("-s", "--scope", action="append", default=[], help="a scope; several times for several")
    made.add_argument("--detail", action="append", default=[], help="one authorization detail (RFC 9396), as JSON")
    made.add_argument("-l", "--lifetime", default=lifetime, help="how long: 300, 5m, 1h (usually %(default)s)")
    made.add_argument("--timeout", type=float, default=10.0, help="seconds: the one deadline of the call")
    made.add_argument("--project", default=None, help="whose token to ask the local issuer for, in development")
    made.add_argument("--environment", default=None, help="and in which environment")
    made.add_argument("--url", default=os.environ.get(URL) or USUAL_URL, help="the gateway; COUNTERFOIL_URL")
    return made


def words(
    scope: Sequence[str] | None, detail: Sequence[str] | None, lifetime: str | None, timeout: float, project: str, environment: str, url: str
) -> list[str]:
    """What a verb was given, as that parser reads it."""
    several = [word for name, texts in (("--scope", scope), ("--detail", detail)) for one in texts or () for word in (name, one)]
    once = {"--lifetime": lifetime, "--timeout": timeout, "--project": project, "--environment": environment, "--url": url}
    return [*several, *(word for name, one in once.items() for word in (name, str(one)))]


def session(given: argparse.Namespace) -> "Session":
    from counterfoil.cli.session import Session

    named = {name: value for name in ("project", "environment") if (value := getattr(given, name)) is not None}
    return Session(given.url, timeout=given.timeout, **named)


def wish(connector: str, given: argparse.Namespace, repositories: Sequence[str] = (), permissions: Sequence[str] = ()) -> dict[str, Any]:
    """Raises ValueError."""
    details = [json.loads(one) for one in given.detail]
    if not all(isinstance(one, Mapping) for one in details):
        raise ValueError("a detail is a JSON object")
    if sugar.knows(connector):
        details += sugar.details(repositories)
    return {"scopes": [*given.scope, *sugar.scopes(permissions)], "details": details, "lifetime": seconds(given.lifetime)}


def lent(asking: "Session", connector: str, wanted: Mapping[str, Any], fits: "Fits | None" = None) -> "Credential":
    """Ctrl-C, or one that does not fit: nobody has it, so it is given back."""
    from counterfoil.cli.held import any_fits, lend
    from counterfoil.cli.session import run

    async def ask() -> "Credential":
        async with asking.client() as cf:
            return await lend(cf, connector, wanted, fits or any_fits)

    try:
        return run(ask())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
