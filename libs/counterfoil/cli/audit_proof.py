"""counterfoil audit prove, verify-proof: that the log has one leaf, as a file that anyone can check."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from uuid import UUID

import typer

from counterfoil.cli import log_keys, options, printing, witnesses
from counterfoil.cli.audit_show import About
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.audit.proof_file import Proven, Saved
    from counterfoil.audit.witnessing import Witnessing
    from counterfoil.cli.audit_pages import Leaf, Pages

DOES_NOT_HOLD = 1
ANSWERS = ("credential.minted", "identity.rejected", "grant.denied", "mint.refused")
"""What is proven of a request or a credential where it has several leaves: what was answered."""
BEYOND, PATIENCE, EVERY = "beyond_log", 15.0, 1.0
"""Seconds: a leaf is younger than the newest published head for a moment."""
MESSAGES = {
    "malformed_file": "this is no proof: it has no tlog-proof in it",
    "no_leaf": "the leaf is not in it: its caller was not entitled to read why, so that only its hash was given",
    "malformed_proof": "its tlog-proof cannot be read",
    "not_included": "the path does not lead from this leaf to the signed root: leaf or proof was changed",
    "unknown_key": "its checkpoint is not signed by the log key that was given",
    "bad_signature": "its checkpoint's signature is not that of the log key: it was changed",
    "wrong_origin": "its checkpoint is of another log",
    "bad_cosignature": "a witness's cosignature is not over this checkpoint: one of the two was changed",
    "wrong_index": "the leaf says that it is another one than the proof is for",
    "wrong_credential": "the leaf is in the log, and is not about this credential",
    "wrong_request": "the leaf is in the log, and is not about this request",
}


def prove(
    about: About,
    log_key: log_keys.LogKeys = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file; it is there whole or not at all. Absent: stdout.")] = None,
    url: options.Url = options.USUAL_URL,
) -> None:
    """Prove that the log has a leaf, against its newest checkpoint with whatever witnesses signed it. What is written needs nobody to be checked.

    Of a request or a credential it is the leaf of what was answered. The proof is checked before it is written.

    \b
    counterfoil audit prove 64 -o proof.json
    counterfoil audit prove 6f1c7c0e-5d0a-5f0e-9a53-0d3c9c9d8f11 > proof.json
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.audit import proof_file
    from counterfoil.cli import audit_pages
    from counterfoil.cli.atomic import written
    from counterfoil.cli.session import Session, run

    name, given, session = audit_pages.about(about), log_keys.given(log_key), Session(url, operator=True)

    async def ask() -> tuple["Saved", list[str]]:
        async with audit_pages.Pages(session) as pages:
            saved = await fresh(pages, answered(await pages.about(name)))
        return saved, await log_keys.or_fetched(session, given)

    saved, vkeys = run(ask())
    proven = checked(saved, vkeys, Output.TABLE)
    text = proof_file.write(saved.leaf.decode(), saved.proof)
    if output is None:
        printing.line(text.rstrip("\n"))
    else:
        with written(output) as file:
            file.write(text)
    say(f"leaf {proven.index} of {proven.size}, signed by {', '.join(proven.signatures)}; log key: {'given' if given else 'fetched'}")


def answered(found: list["Leaf"]) -> "Leaf":
    import json

    return next((one for one in found if (json.loads(one["leaf"]).get("fact") or {}).get("kind") in ANSWERS), found[-1])


async def fresh(pages: "Pages", leaf: "Leaf") -> "Saved":
    import asyncio
    import time

    from counterfoil.audit.proof_file import Saved
    from counterfoil.client.errors import CounterfoilError

    until = time.monotonic() + PATIENCE
    while True:
        try:
            found: dict[str, Any] = await (await pages.v1()).get("audit/proof/inclusion", index=str(leaf["index"]))
            return Saved(found["leaf"].encode(), found["proof"])
        except CounterfoilError as error:
            if not (error.retryable or error.code == BEYOND) or time.monotonic() > until:
                raise
        await asyncio.sleep(EVERY)


def verify_proof(
    file: Annotated[Path, typer.Argument(help="What `prove`, `get -o json`, the SDK or the gateway gave; - for stdin.")],
    log_key: log_keys.LogKeys = None,
    credential: Annotated[UUID | None, typer.Option(help="It has to be about this credential.")] = None,
    request: Annotated[UUID | None, typer.Option(help="It has to be about this request.")] = None,
    witness: witnesses.Named = None,
    quorum: witnesses.Quorum = None,
    output: options.Show = Output.TABLE,
) -> None:
    """Check a proof with nothing but the log's public key, and what it is about. Asks nobody. Exit code 1: it does not hold.

    Where the file has the credential beside the receipt, as `get -o json` prints it, the leaf has to be of that very credential, with its connector,
    scopes and expiry. `-o token` prints the leaf. With --witness its head has to be cosigned: that of a receipt never is, and `prove` makes a proof
    whose head is, some seconds later.

    \b
    counterfoil audit verify-proof proof.json --log-key log.example.org+1a2b3c4d+AX1... --request 6f1c7c0e-5d0a-5f0e-9a53-0d3c9c9d8f11
    counterfoil audit verify-proof proof.json --log-key log.example.org+1a2b3c4d+AX1... --witness witness.example.org/w1+1a2b3c4d+BA...
    counterfoil get postgres/demo -o json | counterfoil audit verify-proof -
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.audit import proof_file

    vkeys, wanted = log_keys.needed(log_key), witnesses.wanted(witness, quorum)
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from None
    try:
        saved = proof_file.read(text)
    except proof_file.BadProof as bad:
        refuse(bad.code, output)
    show(checked(saved, vkeys, output, credential=as_text(credential), request=as_text(request), witnessing=wanted), output)


def as_text(name: UUID | None) -> str | None:
    return None if name is None else str(name)


def checked(
    saved: "Saved", vkeys: list[str], output: Output, *, credential: str | None = None, request: str | None = None,
    witnessing: "Witnessing | None" = None,
) -> "Proven":  # fmt: skip
    from counterfoil.audit import proof_file
    from counterfoil.audit.witnessing import NotWitnessed

    try:
        return proof_file.check(saved, vkeys, credential=credential, request=request, witnessing=witnessing)
    except proof_file.BadProof as bad:
        refuse(bad.code, output)
    except NotWitnessed as bad:
        refuse(bad.code, output, bad.message)


def refuse(code: str, output: Output, message: str = "") -> NoReturn:
    message = message or MESSAGES.get(code, "it cannot be read")
    if output is Output.JSON:
        printing.document({"valid": False, "code": code, "message": message})
    say(f"counterfoil: the proof does not hold: {message} [{code}]")
    raise typer.Exit(DOES_NOT_HOLD)


def show(proven: "Proven", output: Output) -> None:
    from counterfoil.wire.canonical import canonical

    fact = proven.fact
    about = {name: fact[name] for name in ("kind", "connector", "credential_id", "expires_at", "code") if fact.get(name)}
    request_id = (fact.get("asked") or {}).get("request_id")
    said = {"valid": True, "origin": proven.origin, "index": proven.index, "size": proven.size, "signed_by": list(proven.signatures)}
    said |= about | ({"request_id": request_id} if request_id else {}) | ({"witnessed_by": list(proven.witnessed_by)} if proven.witnessed_by else {})
    if output is Output.JSON:
        printing.document(said | {"leaf": proven.leaf})
    elif output is Output.TOKEN:
        printing.line(canonical(proven.leaf).decode())
    else:
        printing.members(said)
