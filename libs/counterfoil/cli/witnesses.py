"""The witnesses that a check takes the word of, and how many of them suffice."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from counterfoil.audit.witnessing import Witnessing

Named = Annotated[
    list[str] | None, typer.Option("--witness", help="The public key (vkey) of a witness that has to have cosigned; several times for several.")
]
Quorum = Annotated[int | None, typer.Option("--witnesses", min=1, help="So many of the named witnesses suffice. Absent: all of them.")]


def wanted(named: Sequence[str] | None, quorum: int | None) -> "Witnessing":
    """A usage error where one is no key, is named twice, or more are wanted than are named."""
    from counterfoil.audit.witnessing import Witnessing
    from counterfoil.wire.cosignature import WitnessVKey

    keys = []
    for text in named or ():
        try:
            keys.append(WitnessVKey.parse(text))
        except ValueError:
            said = "this is no vkey of a witness: it looks like witness.example.org/w1+1a2b3c4d+BA..."
            raise typer.BadParameter(said, param_hint="--witness") from None
    if len({key.public.public_bytes_raw() for key in keys}) < len(keys):
        raise typer.BadParameter("the same key twice is one witness", param_hint="--witness")
    if quorum is not None and quorum > len(keys):
        raise typer.BadParameter(f"{quorum} are wanted, and {len(keys)} named: name each with --witness", param_hint="--witnesses")
    return Witnessing(tuple(keys), len(keys) if quorum is None else quorum)
