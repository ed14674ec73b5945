"""counterfoil apply: the registry as a file says it; root secrets leave this machine sealed to the providers only."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.cli.registry_file import RegistryFile, RootSecret, named, read
from counterfoil.cli.session import V1, Session
from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.well_known import unseen
from counterfoil.wire import binding
from counterfoil.wire.armor import to_url
from counterfoil.wire.sealing import Sealer

COLUMNS = ("change", "kind", "name")


def verb(
    file: Annotated[list[Path], typer.Option("-f", "--file", help="YAML documents of entries; may be given several times.")],
    secret: Annotated[list[str] | None, typer.Option("--secret", help="connector.field=@file or =env:NAME: set this root secret anew.")] = None,
    renew_secrets: Annotated[bool, typer.Option("--renew-secrets", help="Set the files' root secrets anew too, not only the missing ones.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change.")] = False,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Make the registry what a file says: issuers, connectors, links, policies, operators. What is not named stays as it is.

    A connector's `secrets` say where each is: `{env: NAME}` or `{file: path}`. They are sealed here; the gateway cannot read them.

    \b
    counterfoil apply -f registry.yaml --dry-run
    counterfoil apply -f registry.yaml --secret postgres/demo.password=@broker-password
    """  # noqa: D301 \b keeps lines as they are
    files = [read(path) for path in file]
    entries = tuple(entry for one in files for entry in one.entries)
    secrets = [*(one for each in files for one in each.secrets), *named(secret or (), entries)]
    if renew_secrets:
        secrets = [RootSecret(one.connector, one.installation, one.field, one.secret, always=True) for one in secrets]
    show(asyncio.run(send(Session(url, operator=True), RegistryFile(entries, tuple(secrets)), dry_run)), output, dry_run)


async def send(session: Session, wanted: RegistryFile, dry_run: bool) -> dict[str, Any]:
    async with session.v1() as v1:
        body = {
            "entries": [entry.model_dump(mode="json", exclude_unset=True) | {"kind": entry.kind} for entry in wanted.entries],
            "secrets": await sealed(v1, session.url, wanted.secrets) if wanted.secrets else [],
            "dry_run": dry_run,
        }
        answer: dict[str, Any] = await v1.post("registry", body)
        return answer


async def sealed(v1: V1, url: str, secrets: Sequence[RootSecret]) -> list[dict[str, Any]]:
    """To the key that the gateway names, which is why nobody in between may be able to name another."""
    known = await v1.door.known(Deadline(v1.timeout))
    if known.mint_key is None or not unseen(url):
        raise CounterfoilError(
            "no_mint_key", f"{url} gives no key of the providers that can be relied on", fix="use https, or the gateway's own machine"
        )
    have = {one["name"]: one.get("secrets") or {} for one in (await v1.get("connectors"))["connectors"]}
    sealer, found = Sealer(), []
    for one in secrets:
        version = have.get(one.connector, {}).get(one.field, 0) + 1
        if version > 1 and not one.always:
            continue
        info = binding.root(one.connector, one.installation, one.field, version)
        box = to_url(sealer.seal(one.secret, known.mint_key, info)).decode()
        found.append({"connector": one.connector, "installation": one.installation, "field": one.field, "version": version, "sealed": box})
    return found


def show(answer: dict[str, Any], output: Output, dry_run: bool) -> None:
    if output is Output.JSON:
        printing.document(answer)
    elif output is Output.TOKEN:
        printing.line(str(answer.get("revision", "")))
    else:
        printing.table(answer["changes"], COLUMNS)
    changed = sum(one["change"] != "same" for one in answer["changes"])
    say(f"{changed} {'would change' if dry_run else 'changed'}, {len(answer['changes']) - changed} the same; revision {answer.get('revision')}")
