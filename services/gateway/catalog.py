"""What each provider declares, as deploy/catalog.py wrote it down: by it the registry is checked before anything is minted by it."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from services.gateway.problems import Problem

FILE = Path(__file__).with_name("providers.json")
MOST = 5


class Catalog:
    """`extra`: providers of a developer's own, of which nothing is known here but the name."""

    def __init__(self, providers: Iterable[Mapping[str, Any]], extra: Collection[str] = ()) -> None:
        self._declared = {one["name"]: one for one in providers}
        self._extra = frozenset(extra)
        self._checks = {name: Draft202012Validator(one["config"]) for name, one in self._declared.items()}

    @classmethod
    def read(cls, extra: Collection[str] = ()) -> Self:
        return cls(json.loads(FILE.read_text())["providers"], extra)

    def names(self) -> frozenset[str]:
        return self._extra | self._declared.keys()

    def all(self) -> list[Mapping[str, Any]]:
        return [self._declared[name] for name in sorted(self._declared)]

    def get(self, name: str) -> Mapping[str, Any] | None:
        return self._declared.get(name)

    def check(self, entry: str, provider: str, config: Mapping[str, object]) -> None:
        """Raises Problem: which member is wrong and how, never what stood in it."""
        if provider in self._extra:
            return
        self._known(entry, provider)
        if wrong := sorted({line for error in self._checks[provider].iter_errors(config) for line in told(error)}):
            raise Problem("bad_change", f"{entry}: config: {'; '.join(wrong[:MOST])}", fix=f"GET /v1/providers/{provider} has its JSON Schema.")

    def check_secret(self, connector: str, field: str) -> None:
        """A root secret under a name that the provider never looks for would only be missed when something is to be minted."""
        provider = connector.partition("/")[0]
        if provider in self._extra:
            return
        self._known(f"secret {connector}", provider)
        if field not in (fields := self._declared[provider]["root"]["properties"]):
            raise Problem("bad_change", f"secret {connector}: {provider} has no such root secret", fix=f"It has {', '.join(fields)}.")

    def _known(self, entry: str, provider: str) -> None:
        if provider not in self._declared:
            known = ", ".join(sorted({*self._declared, *self._extra}))
            raise Problem("bad_change", f"{entry}: there is no such provider", fix=f"A connector is <provider>/<name>. Known providers: {known}.")


def told(error: ValidationError) -> Iterable[str]:
    """jsonschema's own words quote the value."""
    where, given, rule = ".".join(str(part) for part in error.absolute_path), cast("Any", error.instance), cast("Any", error.validator_value)
    match error.validator:
        case "required":
            yield from (f"{dotted(where, name)} is missing" for name in rule if name not in given)
        case "additionalProperties" if rule is False:
            known = cast("Any", error.schema).get("properties", {})
            yield from (f"{dotted(where, str(name)[:64])} is not known; known are {', '.join(known)}" for name in given if name not in known)
        case "anyOf" | "oneOf" | "allOf":
            yield f"{where or 'it'} fits none of what is allowed there"
        case _:
            yield f"{where or 'it'} has to satisfy {error.validator}: {json.dumps(rule)[:200]}"


def dotted(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
