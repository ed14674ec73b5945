"""What every change of the registry goes through: a diff first, root secrets sealed to the providers' key, and nobody's change lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.cli import printing
from counterfoil.cli.asking import agreed
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.cli.registry_file import ENTRY, RootSecret
from counterfoil.cli.session import V1, Session
from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.well_known import unseen
from counterfoil.contracts.registry import Registered, ordered
from counterfoil.wire import binding, registry_diff
from counterfoil.wire.armor import to_url
from counterfoil.wire.sealing import Sealer

COLUMNS = ("change", "kind", "name")


@dataclass(frozen=True, slots=True)
class Wanted:
    entries: Sequence[Registered]
    secrets: Sequence[RootSecret] = ()
    prune: bool = False


async def go(
    session: Session, wanted: Wanted, output: Output, *, dry_run: bool, yes: bool, confirm: bool = False, also: Mapping[str, Any] | None = None
) -> dict[str, Any]:  # fmt: skip
    """Shown, agreed to where it takes something away, done, and told. `also`: what stands beside the answer."""
    async with session.v1() as v1:
        before = await v1.get("registry")
        had = [ENTRY.validate_python(one) for one in before["entries"]]
        difference = registry_diff.between(had, wanted.entries, prune=wanted.prune)
        for line in difference.lines:
            say(printing.coloured(printing.plain(line)))
        if (difference.removed or confirm) and not dry_run:
            agreed(f"Remove {difference.removed} of {len(had)} entries?" if difference.removed else "Apply?", yes=yes)
        body = {
            "entries": [ordered(entry.model_dump(exclude_unset=True)) | {"kind": entry.kind} for entry in wanted.entries],
            "secrets": await sealed(v1, session.url, wanted.secrets) if wanted.secrets else [],
            "dry_run": dry_run, "replace": wanted.prune,
        }  # fmt: skip
        # What was shown is what is changed: if somebody else was quicker, nothing is.
        answer: dict[str, Any] = await v1.post("registry", body, {"If-Match": f'"{before["revision"]}"'})
    show({**answer, **(also or {})}, output, dry_run=dry_run)
    return answer


async def sealed(v1: V1, url: str, secrets: Sequence[RootSecret]) -> list[dict[str, Any]]:
    """To the key that the gateway names, which is why nobody in between may be able to name another."""
    known = await v1.door.known(Deadline(v1.timeout))
    if known.mint_key is None or not unseen(url):
        raise CounterfoilError(
            "no_mint_key", f"{url} gives no key of the providers that can be relied on", fix="use https, or the gateway's own machine"
        )
    have = await versions(v1)
    sealer, found = Sealer(), []
    for one in secrets:
        version = have.get((one.connector, one.installation, one.field), 0) + 1
        if version > 1 and not one.always:
            continue
        info = binding.root(one.connector, one.installation, one.field, version)
        box = to_url(sealer.seal(one.secret, known.mint_key, info)).decode()
        found.append({"connector": one.connector, "installation": one.installation, "field": one.field, "version": version, "sealed": box})
    return found


async def versions(v1: V1) -> Mapping[tuple[str, str, str], int]:
    """Of each root secret that is there: by connector, installation and field."""
    found = {(one["name"], one.get("installation", "default"), field): number
             for one in await v1.every("connectors") for field, number in (one.get("secrets") or {}).items()}  # fmt: skip
    for one in await v1.every("installations"):
        found |= {(one["connector"], one["installation"], field): number for field, number in (one.get("secrets") or {}).items()}
    return found


def show(answer: Mapping[str, Any], output: Output, *, dry_run: bool) -> None:
    if output is Output.JSON:
        printing.document(answer)
    elif output is Output.TOKEN:
        printing.line(str(answer.get("revision", "")))
    else:
        printing.table(answer["changes"], COLUMNS)
    for one in answer.get("warnings") or ():
        say(f"warning: policy {one.get('policy')}: line {one.get('line')}: {printing.plain(one.get('message'))}")
    changed = sum(one["change"] != "same" for one in answer["changes"])
    say(f"{changed} {'would change' if dry_run else 'changed'}, {len(answer['changes']) - changed} the same; revision {answer.get('revision')}")
