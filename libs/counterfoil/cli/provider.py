"""What a provider declares: the members of a connector's config and its root secrets, read from options or asked for."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import typer

from counterfoil.cli.registry_file import RootSecret, from_file, taken
from counterfoil.cli.session import Session, run
from counterfoil.client.errors import NotFound
from counterfoil.wire.secret import Secret

Schema = Mapping[str, Any]
WORDS = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}


@dataclass(frozen=True)
class Declared:
    name: str
    documentation: str
    can: str
    """What revoking can do at this provider."""
    config_schema: Schema
    root_schema: Schema

    @classmethod
    def ask(cls, session: Session, connector: str) -> Self:
        """Of the gateway: it knows the providers of its own version."""
        provider = connector.partition("/")[0]

        async def get() -> dict[str, Any]:
            async with session.v1() as v1:
                try:
                    found: dict[str, Any] = await v1.get(f"providers/{provider}")
                except NotFound:
                    known = ", ".join(one["name"] for one in await v1.every("providers"))
                    message = f"there is no provider {provider}; a connector is PROVIDER/NAME, and known are {known}"
                    raise typer.BadParameter(message) from None
                return found

        found = run(get())
        return cls(found["name"], found["documentation"], str(found["revocation"]), found["config"], found["root"])

    @property
    def members(self) -> Mapping[str, Schema]:
        return self.config_schema.get("properties") or {}

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.config_schema.get("required") or ())

    @property
    def fields(self) -> Mapping[str, Schema]:
        return self.root_schema.get("properties") or {}

    def config(self, texts: Sequence[str]) -> dict[str, Any]:
        """From NAME=VALUE, as the schema wants each."""
        found = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals or name not in self.members:
                raise typer.BadParameter(f"NAME=VALUE, and {self.name} has {', '.join(self.members)}", param_hint="--config")
            found[name] = coerced(name, self.members[name], value)
        return found

    def secrets(self, connector: str, installation: str, texts: Sequence[str]) -> list[RootSecret]:
        """From FIELD=@FILE, FIELD=env:NAME and FIELD=-. Never from an argument itself, which other users see."""
        found = []
        for text in texts:
            field, _, source = text.partition("=")
            if field not in self.fields:
                raise typer.BadParameter(f"{self.name} has the root secrets {', '.join(self.fields)}", param_hint="--secret")
            found.append(RootSecret(connector, installation, field, secret(source), always=True))
        return found


def secret(source: str) -> Secret:
    if source == "-":
        return Secret(sys.stdin.read().removesuffix("\n"))
    if source.startswith("@"):
        return from_file(Path(source[1:]))
    if source.startswith("env:"):
        return taken({"env": source[4:]}, Path(), os.environ)
    raise typer.BadParameter("the secret itself is never an argument, which other users see: @FILE, env:NAME or -", param_hint="--secret")


def kinds(schema: Schema) -> set[str]:
    found = {str(one.get("type")) for one in schema.get("anyOf") or [schema]}
    return found - {"null", "None"}


def coerced(name: str, schema: Schema, text: str) -> Any:
    """The gateway checks it against the whole schema; here it only gets its type."""
    wanted = kinds(schema)
    try:
        if "string" in wanted or not wanted:
            return text
        if "array" in wanted and not text.lstrip().startswith("["):
            return [one.strip() for one in text.split(",") if one.strip()]
        if "boolean" in wanted:
            return WORDS[text.lower()]
        return json.loads(text)
    except (ValueError, KeyError):
        raise typer.BadParameter(f"{name}: {text!r} is no {' or '.join(sorted(wanted))}", param_hint="--config") from None
