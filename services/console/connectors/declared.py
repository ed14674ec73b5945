"""What a provider declares, in words: what can be ended of that which its connectors lend, and what a form asks for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.gateway import Refused
from services.console.operator import Operator
from services.console.site import Site

REVOKES: Mapping[str, str] = {
    "by_name": "each credential is ended at the provider, at once, by its name",
    "by_possession": "each credential is ended at the provider with the credential itself, which is kept sealed for that until it expires",
    "by_principal": "ending one ends all that its principal holds at the provider",
    "expiry_only": "nobody can end one before its time: lend for minutes",
    "none": "nobody can end one, and it does not end by itself",
}
NO_END = frozenset({"expiry_only", "none"})
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a form. `kind`: text, number, choice, lines, json or secret."""

    name: str
    kind: str
    label: str
    help: str
    required: bool
    usual: str
    choices: Sequence[str] = ()
    whole: bool = False

    def typed(self, now: object) -> str:
        """What is there, as somebody would have typed it."""
        return json.dumps(now) if self.kind == "json" and now is not None else spelled(now)


@dataclass(frozen=True, slots=True)
class Declared:
    name: str
    documentation: str
    revocation: str
    longest: int
    config: Schema
    root: Schema

    @property
    def revokes(self) -> str:
        return REVOKES.get(self.revocation, self.revocation.replace("_", " "))

    @property
    def endless(self) -> bool:
        return self.revocation in NO_END

    def fields(self) -> Sequence[Field]:
        """What is required first."""
        return sorted(members(self.config), key=lambda one: not one.required)

    def secrets(self) -> Sequence[Field]:
        return members(self.root)


async def all_of(site: Site, operator: Operator) -> Sequence[Declared]:
    found = await site.gateway.get(operator, "/v1/providers")
    return [read(one) for one in found["providers"]]


async def named(site: Site, operator: Operator, provider: str) -> Declared:
    """Raises Refused."""
    found = next((one for one in await all_of(site, operator) if one.name == provider), None)
    if found is None:
        raise Refused(404, {"code": "not_found", "message": "there is no such provider", "fix": "choose one of the catalogue at /connectors"})
    return found


def read(found: Mapping[str, Any]) -> Declared:
    return Declared(found["name"], found["documentation"], str(found["revocation"]), int(found["longest"]), found["config"], found["root"])


def members(schema: Schema) -> Sequence[Field]:
    required = frozenset(schema.get("required") or ())
    return [field(name, one, required=name in required) for name, one in (schema.get("properties") or {}).items()]


def field(name: str, schema: Schema, *, required: bool) -> Field:
    kinds = {str(one.get("type")) for one in schema.get("anyOf") or [schema]} - {"null", "None"}
    choices = next((one["enum"] for one in schema.get("anyOf") or [schema] if "enum" in one), ())
    if schema.get("writeOnly"):
        kind = "secret"
    elif choices:
        kind = "choice"
    elif "boolean" in kinds:
        kind, choices = "choice", ("true", "false")
    else:
        kind = next((one for wanted, one in KINDS if wanted in kinds), "text")
    return Field(name, kind, str(schema.get("title") or name), str(schema.get("description") or ""), required, spelled(schema.get("default")),
                 [str(one) for one in choices if one is not None], whole="integer" in kinds)  # fmt: skip


KINDS = (("string", "text"), ("integer", "number"), ("number", "number"), ("array", "lines"), ("object", "json"))


def spelled(value: object) -> str:
    """As somebody would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
