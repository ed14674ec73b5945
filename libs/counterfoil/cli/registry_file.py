"""A registry file: YAML documents of entries, and where each connector's root secrets are to be read. No secret stands in it."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter, ValidationError

from counterfoil.client.errors import CounterfoilError
from counterfoil.contracts.registry import Connector, Installation, Registered
from counterfoil.wire.secret import Secret

ENTRY: TypeAdapter[Registered] = TypeAdapter(Registered)
MOST = 64 * 1024
STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class RootSecret:
    """`always`: set anew though the connector has one; else it is set only where it is missing."""

    connector: str
    installation: str
    field: str
    secret: Secret
    always: bool = False


@dataclass(frozen=True, slots=True)
class RegistryFile:
    entries: tuple[Registered, ...]
    secrets: tuple[RootSecret, ...]


def read(path: Path, env: Mapping[str, str] = os.environ) -> RegistryFile:
    entries: list[Registered] = []
    secrets: list[RootSecret] = []
    for number, found in enumerate(documents(path), 1):
        if not isinstance(found, dict):
            raise typer.BadParameter(f"{path}: entry {number} is no mapping")
        references = found.pop("secrets", {})
        entry = checked(found, f"{path}: entry {number} ({found.get('kind')} {found.get('name') or found.get('connector') or ''})")
        entries.append(entry)
        if references and not (isinstance(entry, Connector | Installation) and isinstance(references, dict)):
            raise typer.BadParameter(f"{path}: entry {number}: only a connector has secrets, each a name with {{env: NAME}} or {{file: path}}")
        if isinstance(entry, Connector | Installation):
            whose = entry.name if isinstance(entry, Connector) else entry.connector
            secrets += [RootSecret(whose, entry.installation, name, taken(where, path.parent, env)) for name, where in references.items()]
    return RegistryFile(tuple(entries), tuple(secrets))


def documents(path: Path) -> Iterable[Any]:
    """Each document is an entry or a list of entries."""
    try:
        from counterfoil.cli.strict_yaml import load_all  # pyyaml is an extra
    except ModuleNotFoundError as error:
        if error.name != "yaml":
            raise
        raise CounterfoilError("no_yaml", "apply reads YAML, and pyyaml is not installed", fix="pip install 'counterfoil[cli]'") from None
    try:
        text = sys.stdin.read() if path == STDIN else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {type(error).__name__}") from None
    for document in load_all(text, str(path)):
        yield from document if isinstance(document, list) else [document] if document is not None else []


def checked(found: Mapping[str, Any], where: str) -> Registered:
    try:
        return ENTRY.validate_python(found)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors(include_input=False, include_url=False)]
    raise typer.BadParameter(f"{where}: {'; '.join(wrong)}")


def taken(where: object, beside: Path, env: Mapping[str, str]) -> Secret:
    """{env: NAME} or {file: path}; a path is relative to the file that names it, and one line's end does not count."""
    match where:
        case {"env": str(name)} if len(where) == 1:  # type: ignore[arg-type]
            if name not in env:
                raise typer.BadParameter(f"the variable {name} is not set")
            return Secret(env[name])
        case {"file": str(name)} if len(where) == 1:  # type: ignore[arg-type]
            return from_file(beside / name)
    raise typer.BadParameter("a secret is {env: NAME} or {file: path}: it never stands in the file itself")


def from_file(path: Path) -> Secret:
    try:
        with path.open("rb") as file:
            content = file.read(MOST + 1)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MOST:
        raise typer.BadParameter(f"{path} is too large for a secret")
    return Secret(content.removesuffix(b"\n").removesuffix(b"\r"))


def named(texts: Sequence[str], entries: Iterable[Registered]) -> list[RootSecret]:
    """From `--secret connector.field=@file` or `=env:NAME`."""
    installations = {entry.name: entry.installation for entry in entries if isinstance(entry, Connector)}
    found = []
    for text in texts:
        name, _, source = text.partition("=")
        connector, _, field = name.rpartition(".")
        if not connector or not field:
            raise typer.BadParameter("like postgres/demo.password=@file or postgres/demo.password=env:NAME", param_hint="--secret")
        if source.startswith("@"):
            secret = from_file(Path(source[1:]))
        elif source.startswith("env:"):
            secret = taken({"env": source[4:]}, Path(), os.environ)
        else:
            raise typer.BadParameter("the secret itself is never an argument, which other users see: @file or env:NAME", param_hint="--secret")
        found.append(RootSecret(connector, installations.get(connector, "default"), field, secret, always=True))
    return found
