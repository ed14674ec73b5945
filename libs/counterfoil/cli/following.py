"""An order to revoke: what it would do, what it leaves standing, how far it has come, and what came of each credential."""

import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from counterfoil.cli import printing
from counterfoil.cli.exits import CODES, UNAVAILABLE, say
from counterfoil.cli.printing import Output
from counterfoil.client.errors import NoIdentity, RateLimited, Refused, Rejected, Unavailable

if TYPE_CHECKING:
    from counterfoil.cli.session import V1
    from counterfoil.wire.secret import Secret

EVERY, PATIENT_EVERY = 1.0, 5.0
"""Seconds between two lines on a terminal, which writes them over, and elsewhere."""
RENEWED = 30.0
"""Seconds: a token that is refused sooner than that after it was got is no good at all."""
OF_EACH = ("credential_id", "connector", "project", "environment", "outcome", "detail")
OF_ALIVE = ("connector", "project", "environment", "class", "live", "latest")
LISTED = 8
AT_ONCE = "1000"


def would(tried: Mapping[str, Any]) -> None:
    """The blast radius, on stderr: stdout is for what came of it."""
    say(f"{tried['matched']} alive would be ended{stopping(tried.get('would', {}))}")
    alive = tried.get("alive", [])
    for one in alive[:LISTED]:
        say(f"  {one['live']:>6}  {one['connector']}  {one['project']}/{one['environment']}  {one['class']}, the last until {one['latest']}")
    if len(alive) > LISTED:
        say(f"  and {len(alive) - LISTED} more places: --dry-run lists them")


def stopping(what: Mapping[str, Any]) -> str:
    if "fence" in what:
        return f"; {what['fence']} is fenced: it lends nothing until it is lifted"
    if "block" in what:
        named = " ".join(f"{name}={value}" for name, value in what["block"].items())
        return f"; {named} is blocked: nothing is lent to it until that is lifted"
    return ""


def stands(accepted: Mapping[str, Any]) -> None:
    name = accepted.get("fenced") or accepted.get("blocked")
    say(f"accepted at {accepted['at']}" + (f": nothing more is minted or handed over for it, until `counterfoil lift {name}`" if name else ""))


async def followed(v1: "V1", token: Callable[[], Awaitable["Secret"]], order: str, longest: float) -> dict[str, Any]:
    """Until every one is settled, or for so long. A gateway that is away meanwhile is asked again, for the order stands in the database; a token
    that is too old by now is got anew.
    """
    import asyncio

    told, until, renewed = Told(), time.monotonic() + longest, time.monotonic()
    while True:
        try:
            found: dict[str, Any] = await v1.get(f"revocations/{order}", wait="1")
        except (Unavailable, RateLimited):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(EVERY)
            continue
        except (NoIdentity, Rejected):
            if time.monotonic() - renewed < RENEWED:
                raise
            v1, renewed = replace(v1, bearer=await token()), time.monotonic()
            continue
        told.progress(found["counts"])
        if found["state"] == "revoked" or time.monotonic() > until:
            break
    told.end(found["counts"])
    return found | {"credentials": await v1.every(f"revocations/{order}/credentials", limit=AT_ONCE)}


class Told:
    """n/N by outcome, as it goes on: written over on a terminal; elsewhere a line each time it has changed, and no more than one in five seconds."""

    def __init__(self) -> None:
        self._over, self._next, self._last = sys.stderr.isatty(), 0.0, ""

    def progress(self, counts: Mapping[str, int]) -> None:
        line, now = counted(counts), time.monotonic()
        if line != self._last and now >= self._next:
            self._next, self._last = now + (EVERY / 5 if self._over else PATIENT_EVERY), line
            sys.stderr.write(f"\r{line}\x1b[K" if self._over else f"{line}\n")
            sys.stderr.flush()

    def end(self, counts: Mapping[str, int]) -> None:
        sys.stderr.write(f"\r{counted(counts)}\x1b[K\n" if self._over else "" if counted(counts) == self._last else f"{counted(counts)}\n")
        sys.stderr.flush()


def counted(counts: Mapping[str, int]) -> str:
    settled = {word: number for word, number in counts.items() if word != "live" and number}
    by = ", ".join(f"{number} {word}" for word, number in settled.items())
    return f"{sum(settled.values())}/{sum(counts.values())} settled{f': {by}' if by else ''}"


def ended(found: Mapping[str, Any], output: Output) -> None:
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        printing.line(str(found.get("id") or found.get("revocation_id") or found.get("credential_id") or ""))
    else:
        table(found)
    left = Counter({word: found.get("counts", {}).get(word, 0) for word in ("stuck", "uncertain")})
    if found.get("state") in left or left.total():
        say("not all are dead: what is stuck is tried on, what is uncertain ends by itself; `counterfoil credentials --state stuck` lists them")
        raise typer.Exit(CODES[Refused])
    if found.get("counts") and found.get("state") == "accepted":
        say(f"accepted, and not all are settled yet: counterfoil revoke --order {found['id']} follows it on")
        raise typer.Exit(UNAVAILABLE)


def table(found: Mapping[str, Any]) -> None:
    printing.members({name: value for name, value in found.items() if name not in ("left", "credentials", "alive")})
    if each := found.get("credentials", ()):
        printing.table([{**one, "detail": detail(one)} for one in each], OF_EACH)
    if alive := found.get("alive"):
        printing.table(alive, OF_ALIVE)


def detail(one: Mapping[str, Any]) -> str:
    """Of what is not dead: why, and when it is tried again, or until when nobody knows."""
    if one["outcome"] == "uncertain":
        return f"until {one['expires_at']}"
    if "next_at" not in one:
        return ""
    return f"{one['why'] or 'not tried yet'}, {one['tries']} tries, next {one['next_at']}"
