"""counterfoil audit verify: an exported log against the log's key, offline."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn

import typer

from counterfoil.cli import log_keys, options, printing, witnesses
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.audit.export_file import Head, Leaf
    from counterfoil.audit.verification import Verified

DOES_NOT_HOLD = 1
ADVICE = "it holds up to this head; that no newer one was ever signed, only a head kept elsewhere can tell: --checkpoint"
Exported = Annotated[Path, typer.Argument(help="What `counterfoil audit export` wrote; - for stdin.")]
Kept = Annotated[list[Path] | None, typer.Option("--checkpoint", help="A signed head kept elsewhere, as a note or as lines of JSON; several times.")]
Before = Annotated[list[Path] | None, typer.Option("--from-export", help="The export that this one continues; several times, in their order.")]


def verb(
    file: Exported, log_key: log_keys.LogKeys = None, checkpoint: Kept = None, from_export: Before = None,
    witness: witnesses.Named = None, quorum: witnesses.Quorum = None, output: options.Show = Output.TABLE,
) -> None:  # fmt: skip
    """Check an exported log, leaf by leaf and against its signed head, with nothing but the log's public key. Asks nobody.

    Exit code 1: it does not hold. Any edit, deletion, insertion or swap is found. A log that was cut back to an older signed head, or signed in two
    histories, is found where a head that was kept elsewhere is given with --checkpoint; without one, nobody can tell a shorter log from an older
    one. With --witness the log's head, or one of those given with --checkpoint, has to be cosigned by that witness: what
    /v1/audit/checkpoint gives is, and what the witness itself shows. `-o token` prints the root.

    \b
    counterfoil audit verify log.jsonl --log-key log.example.org+1a2b3c4d+AX1...
    counterfoil audit verify log.jsonl --checkpoint head-of-last-month.txt -o json
    counterfoil audit verify more.jsonl --from-export log.jsonl
    counterfoil audit verify log.jsonl --checkpoint head.txt --witness witness.example.org/w1+1a2b3c4d+BA...
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.audit import verification
    from counterfoil.audit.export_file import BadExport
    from counterfoil.audit.witnessing import NotWitnessed
    from counterfoil.wire.checkpoint import BadCheckpoint
    from counterfoil.wire.cosignature import BadCosignature

    vkeys, wanted, held = log_keys.needed(log_key), witnesses.wanted(witness, quorum), list(heads(checkpoint or []))
    paths = [*(from_export or []), file]
    with ExitStack() as stack:
        files = [(str(path), opened(path, stack)) for path in paths]
        first_index_is_known(files[0][1], paths[0])
        try:
            found = verification.verify(vkeys, ((where, counted(open_)) for where, open_ in files), held, wanted)
        except verification.Tampered as bad:
            refuse(bad.code, bad.message, output, index=bad.index)
        except BadExport as bad:
            refuse(bad.code, f"line {bad.line} is not one of an export", output, line=bad.line)
        except (BadCheckpoint, BadCosignature) as bad:
            refuse(bad.code, CHECKPOINTS.get(bad.code, "a checkpoint cannot be read"), output)
        except NotWitnessed as bad:
            refuse(bad.code, f"{bad.message}. {WHERE_WITNESSED}", output)
    show(found, output, held=bool(held), witnessed=bool(wanted.wanted))


WHERE_WITNESSED = "A head that was published is cosigned: give the one of /v1/audit/checkpoint, or the witness's own, with --checkpoint"
CHECKPOINTS = {
    "unknown_key": "a checkpoint is not signed by the log key that was given",
    "bad_signature": "a checkpoint's signature is not that of the log key: it was changed",
    "wrong_origin": "a checkpoint is of another log",
    "bad_cosignature": "a witness's cosignature is not over the checkpoint that it stands under: one of the two was changed",
}


def heads(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    from counterfoil.audit.export_file import BadExport, heads

    for path in paths:
        try:
            found = heads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, BadExport) as error:
            raise typer.BadParameter(f"{path}: {type(error).__name__}", param_hint="--checkpoint") from None
        if not found:
            raise typer.BadParameter(f"{path} has no checkpoint", param_hint="--checkpoint")
        yield from ((str(path), one) for one in found)


def opened(path: Path, stack: ExitStack) -> BinaryIO:
    try:
        return sys.stdin.buffer if str(path) == "-" else stack.enter_context(path.open("rb"))
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="FILE") from None


def first_index_is_known(file: BinaryIO, path: Path) -> None:
    """A part says nothing about its root without what comes before it, which is no fault of the part."""
    start = file.peek(64)[:64] if hasattr(file, "peek") else b""
    text = start.decode(errors="replace").replace(" ", "")
    if text.startswith('{"index":') and text[9:].partition(",")[0] not in ("0", ""):
        index = text[9:].partition(",")[0]
        raise typer.BadParameter(f"{path} begins with leaf {index}: give what comes before it with --from-export", param_hint="FILE")


def counted(file: BinaryIO) -> Iterator["Leaf | Head"]:
    from counterfoil.audit.export_file import read
    from counterfoil.cli.progress import Progress

    progress = Progress("leaves checked")
    try:
        for done, one in enumerate(read(file)):
            progress.at(done)
            yield one
    finally:
        progress.end()


def refuse(code: str, message: str, output: Output, **place: int) -> NoReturn:
    found: dict[str, Any] = {"valid": False, "code": code, **place, "message": message}
    if output is Output.JSON:
        printing.document(found)
    say(f"counterfoil: the log does not hold: {message} [{code}]")
    raise typer.Exit(DOES_NOT_HOLD)


def show(found: "Verified", output: Output, *, held: bool, witnessed: bool) -> None:
    said = {"valid": True, "origin": found.origin, "size": found.size, "root": found.root.hex(), "heads": found.heads}
    said |= {"witnessed": found.witnessed} if witnessed else {}
    printing.one(said, output, "root")
    if not held:
        say(ADVICE)
