"""A new connector, step by step: what the provider declares is given or asked for, the registry is changed, and a credential is minted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from counterfoil.cli import asking, trial
from counterfoil.cli.applying import Wanted, go
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.cli.provider import Declared, Schema, coerced, kinds, secret
from counterfoil.cli.registry_file import RootSecret, checked, documents
from counterfoil.cli.session import Session, run
from counterfoil.contracts.registry import Link, Registered
from counterfoil.wire.secret import Secret


@dataclass(frozen=True, slots=True)
class Given:
    """The options."""

    config: Sequence[str]
    config_file: Path | None
    secrets: Sequence[str]
    scopes: Sequence[str]
    installation: str
    link: str | None
    ceiling_scopes: Sequence[str]
    ceiling_details: Sequence[Mapping[str, Any]]
    longest: int
    test: bool
    dry_run: bool
    yes: bool


@dataclass(frozen=True, slots=True)
class There:
    """What is there of it already."""

    secrets: frozenset[str]
    links: tuple[Link, ...]


def add_guided(session: Session, name: str | None, given: Given, output: Output) -> None:
    name = name or called(session)
    declared = Declared.ask(session, name)
    say(f"{declared.name}: {declared.documentation}; what is lent can be revoked {declared.can.replace('_', ' ')}")
    there = run(look(session, name, given.installation))
    config = filled(declared, given)
    secrets = [*declared.secrets(name, given.installation, given.secrets)]
    secrets += asked_secrets(declared, name, given, {one.field for one in secrets} | there.secrets)
    entry = {"kind": "connector", "name": name, "config": config, "installation": given.installation, "scopes": list(given.scopes)}
    entries: list[Registered] = [checked(entry, name), *linked(name, given, there)]
    run(go(session, Wanted(entries, secrets), output, dry_run=given.dry_run, yes=given.yes, confirm=True))
    if given.test and not given.dry_run:
        run(trial.tried(session, name, [*(one for one in entries if isinstance(one, Link)), *there.links]))


async def look(session: Session, name: str, installation: str) -> There:
    async with session.v1() as v1:
        found = [one for one in await v1.every("connectors") if one["name"] == name and one.get("installation", "default") == installation]
        links = [one for one in await v1.every("links") if one["connector"] == name]
    read = [checked({member: value for member, value in one.items() if member != "name"}, name) for one in links]
    return There(frozenset(found[0].get("secrets") or ()) if found else frozenset(), tuple(one for one in read if isinstance(one, Link)))


def called(session: Session) -> str:
    """The name, from whoever sits there."""
    if not asking.interactive():
        raise typer.BadParameter("name the connector: PROVIDER/NAME")

    async def known() -> list[str]:
        async with session.v1() as v1:
            return [one["name"] for one in await v1.every("providers")]

    return asking.asked(f"Connector, as PROVIDER/NAME; providers are {', '.join(run(known()))}")


def filled(declared: Declared, given: Given) -> dict[str, Any]:
    config = (from_file(given.config_file) if given.config_file else {}) | declared.config(given.config)
    missing = {name: schema for name, schema in declared.members.items() if name not in config}
    lacking = [name for name in missing if name in declared.required]
    if asking.interactive() and (lacking or not config):
        for name in sorted(missing, key=lambda one: one not in declared.required):
            if (answer := asked_member(name, missing[name], required=name in declared.required)) is not None:
                config[name] = answer
    elif lacking:
        said = "; ".join(f"{name}{about(missing[name])}" for name in lacking)
        raise typer.BadParameter(f"{declared.name} needs {said}", param_hint="--config")
    return config


def from_file(path: Path) -> dict[str, Any]:
    found = list(documents(path))
    if len(found) != 1 or not isinstance(found[0], dict):
        raise typer.BadParameter(f"{path} has to be one mapping", param_hint="--config-file")
    return found[0]


def asked_member(name: str, schema: Schema, *, required: bool) -> Any:
    """None where a member that has a default is left as it is."""
    usual = schema.get("default")
    while True:
        text = asking.asked(f"{name}{about(schema)}", "" if usual is None else str(usual))
        if not text and required:
            continue
        if not text or (not required and text == str(usual)):
            return None
        try:
            return coerced(name, schema, text)
        except typer.BadParameter as error:
            say(str(error.message))


def about(schema: Schema) -> str:
    words = [str(schema["description"])] if schema.get("description") else []
    choices = next((one["enum"] for one in schema.get("anyOf") or [schema] if "enum" in one), None)
    words += [f"one of {', '.join(map(str, choices))}"] if choices else ["commas between several"] if "array" in kinds(schema) else []
    return f" ({'; '.join(words)})" if words else ""


def asked_secrets(declared: Declared, name: str, given: Given, have: set[str]) -> list[RootSecret]:
    """Those that are needed, and neither given nor there."""
    missing = [field for field in declared.root_schema.get("required") or () if field not in have]
    if missing and not asking.interactive():
        raise typer.BadParameter(f"{declared.name} needs the root secrets {', '.join(missing)}: FIELD=@FILE", param_hint="--secret")
    return [RootSecret(name, given.installation, field, asked_secret(field, declared.fields[field]), always=True) for field in missing]


def asked_secret(field: str, schema: Schema) -> Secret:
    while True:
        if text := asking.asked_secretly(f"{field}{about(schema)}, not shown; @FILE reads a file"):
            return secret(text) if text.startswith("@") else Secret(text)


def linked(name: str, given: Given, there: There) -> list[Registered]:
    """The link that was asked for; where none leads to it, one is offered."""
    where = given.link
    if where is None and not there.links and asking.interactive():
        where = asking.asked(f"No link leads to {name} yet. Link it to PROJECT/ENVIRONMENT (empty: to none)") or None
    if where is None:
        return []
    project, _, environment = where.rpartition("/")
    if not (project and environment):
        raise typer.BadParameter("like web/production", param_hint="--link")
    ceiling = {"scopes": list(given.ceiling_scopes or given.scopes), "details": list(given.ceiling_details), "longest": given.longest}
    return [checked({"kind": "link", "connector": name, "project": project, "environments": [environment], "ceiling": ceiling}, f"--link {where}")]
