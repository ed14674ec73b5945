"""The log keys that a check is made with: given, in the environment, or, where nothing else is asked for, fetched from the gateway."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from counterfoil.cli.session import Session

HELP = "The log's public key (vkey), known from elsewhere; several times while it is rotated, or with spaces between them in COUNTERFOIL_LOG_KEY."
LogKeys = Annotated[list[str] | None, typer.Option("--log-key", envvar="COUNTERFOIL_LOG_KEY", help=HELP)]


def given(keys: Sequence[str] | None) -> list[str]:
    """Empty where there are none. A usage error where one is no key."""
    from counterfoil.wire.log_key import VKey

    found = list(keys or ())
    for key in found:
        try:
            VKey.parse(key)
        except ValueError:
            raise typer.BadParameter("this is no vkey: it looks like log.example.org+1a2b3c4d+Ab...", param_hint="--log-key") from None
    return found


def needed(keys: Sequence[str] | None) -> list[str]:
    """Offline: a key that came with the log would prove nothing."""
    found = given(keys)
    if not found:
        raise typer.BadParameter(
            "give the log's public key: whoever runs the exchange says it (log_keys in /.well-known/counterfoil); keep it from then on",
            param_hint="--log-key",
        )
    return found


async def or_fetched(session: "Session", keys: list[str]) -> list[str]:
    """As the SDK has it: from the gateway, over a line that nobody can change."""
    from counterfoil.client.deadline import Deadline
    from counterfoil.client.door import Door
    from counterfoil.client.errors import CounterfoilError
    from counterfoil.client.well_known import unseen

    if keys:
        return keys
    if not unseen(session.url):
        raise CounterfoilError("no_log_key", f"{session.url} is neither https nor this machine: whoever sits in between could change the log key",
                               fix="give the log key: --log-key, or COUNTERFOIL_LOG_KEY")  # fmt: skip
    door = Door(session.url)
    try:
        return list((await door.known(Deadline(session.timeout))).log_keys)
    finally:
        await door.close()
