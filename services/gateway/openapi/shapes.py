"""The JSON that goes in and comes out, as OpenAPI's components: entries as the contracts have them, answers as the doors make them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from counterfoil.contracts.exchange_requested import Wish
from counterfoil.contracts.registry import Connector, Installation, Issuer, Link, Operator, Policy
from counterfoil.contracts.revocation_requested import Actor, Predicate
from services.gateway.kinds import KINDS
from services.gateway.place import As
from services.gateway.table import TABLE
from services.gateway.v1_consents import Question

Json = dict[str, Any]
MODELS = (Issuer, Connector, Installation, Link, Policy, Operator, Wish, As, Predicate, Actor, Question)
ENTRIES = {model.model_fields["kind"].default: model.__name__ for model in (Issuer, Connector, Installation, Link, Policy, Operator)}
TEXT, WHOLE, FLAG, TIME, ID = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "string", "format": "date-time"}, {
    "type": "string", "format": "uuid",
}  # fmt: skip
OPEN: Json = {"type": "object"}
DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
IMPLIED = {"link": ("kind",), "installation": ("kind", "connector", "installation"), "operator": ("kind", "issuer", "subject")}
"""What the address of an entry says, so that a body need not."""


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def array(of: Json) -> Json:
    return {"type": "array", "items": of}


def maybe(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def exactly(optional: tuple[str, ...] = (), /, **members: Any) -> Json:
    """An object with these members and no others."""
    return {"type": "object", "properties": members, "required": [name for name in members if name not in optional], "additionalProperties": False}


@cache
def contracts() -> Mapping[str, Json]:
    _, made = models_json_schema([(model, "validation") for model in MODELS], ref_template="#/components/schemas/{model}")
    return {name: ordered(one) for name, one in sorted(made["$defs"].items())}


def ordered(node: Any) -> Any:
    """Without titles that repeat names. A set's default came out in the order of this run's hashes."""
    if isinstance(node, list):
        return [ordered(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: ordered(value) for name, value in node.items() if not (name == "title" and isinstance(value, str))}
    if found.get("uniqueItems") is True and isinstance(found.get("default"), list):
        found["default"] = sorted(found["default"])
    return found


def entries() -> Json:
    """Each as it is put whole, as it is put at its address, and as it is shown."""
    found: Json = {}
    for kind, name in ENTRIES.items():
        model = contracts()[name]
        members = model["properties"]
        implied = IMPLIED.get(kind, ("kind", "name"))
        found[name] = {**model, "required": ["kind", *model["required"]]}
        found[f"{name}Body"] = {**model, "required": [one for one in model["required"] if one not in implied]}
        shown = {**members, "name": members.get("name", TEXT), **beside(kind)}
        found[f"{name}Shown"] = {**model, "properties": shown, "required": sorted(shown)}
        plural = KINDS[kind].plural
        found[f"{name}Page"] = exactly(**{plural: array(ref(f"{name}Shown")), "next": maybe(TEXT), "revision": WHOLE})
    return found | {"Entry": {"oneOf": [ref(name) for name in ENTRIES.values()], "discriminator": {"propertyName": "kind", "mapping": {
        kind: f"#/components/schemas/{name}" for kind, name in ENTRIES.items()}}}}  # fmt: skip


def beside(kind: str) -> Json:
    """What only an answer has."""
    versions: Json = {
        "secrets": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}, "description": "latest version of each"}
    }
    fence: Json = {"state": {"enum": ["active", "fenced", "revoked"]}, "epoch": WHOLE, "revision": WHOLE}
    found: dict[str, Json] = {"connector": {**versions, **fence}, "installation": versions}
    return found.get(kind, {})


def problem() -> Json:
    """RFC 9457. More members follow where they help."""
    members = {
        "type": {"type": "string", "format": "uri"}, "title": TEXT, "status": WHOLE, "detail": TEXT, "code": {"enum": sorted(TABLE)}, "message": TEXT,
        "fix": {"type": "string", "minLength": 1, "description": "what to do"}, "docs_url": {"type": "string", "format": "uri"}, "retryable": FLAG,
        "request_id": ID, "trace_id": TEXT, "stage": {"enum": ["gateway", "verify", "authorize", "mint", "audit"]},
    }  # fmt: skip
    closed = exactly(("request_id", "trace_id"), **members)
    return {**closed, "additionalProperties": True}
