"""counterfoil export: the registry as a file that `apply` reads. Root secrets are not in it: nobody but mint can read them."""

from typing import Any

from counterfoil.cli import options, printing
from counterfoil.cli.printing import Output

TOP = "# counterfoil export, revision {revision}. `counterfoil apply -f` reads it.\n"
SECRETS = "# Its root secrets are not here ({fields}). Elsewhere: counterfoil apply -f FILE {flags}\n"


def verb(output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Write the registry as YAML that `apply` reads: issuers, connectors, installations, links, policies, operators.

    \b
    counterfoil export > registry.yaml
    counterfoil export | counterfoil apply -f - --prune --dry-run
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    async def ask() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with Session(url, operator=True).v1() as v1:
            found: dict[str, Any] = await v1.get("registry")
            return found, [*await v1.every("connectors"), *await v1.every("installations")]

    found, holders = run(ask())
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        printing.line(str(found["revision"]))
    else:
        printing.line(written(found, holders).rstrip("\n"))


def written(found: dict[str, Any], holders: list[dict[str, Any]]) -> str:
    from counterfoil.cli.strict_yaml import dump

    secrets = {(one["kind"], one["name"]): sorted(one.get("secrets") or {}) for one in holders}
    parts = [TOP.format(revision=found["revision"])]
    for one in found["entries"]:
        fields = secrets.get((one["kind"], named(one)), [])
        connector = one["name"] if one["kind"] == "connector" else one.get("connector")
        flags = " ".join(f"--secret {connector}.{field}=@FILE" for field in fields)
        parts.append((SECRETS.format(fields=", ".join(fields), flags=flags) if fields else "") + dump([one]))
    return "\n".join(parts)


def named(one: dict[str, Any]) -> str:
    return f"{one['connector']}@{one['installation']}" if one["kind"] == "installation" else str(one.get("name"))
