"""A form as it was sent -> the connector's entry, and its root secrets, which go no further than to be sealed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from counterfoil.contracts.registry import Connector
from counterfoil.wire.secret import Secret
from services.console.connectors.declared import Declared, Field, Schema
from services.console.gateway import Refused

TRUTH = {"true": True, "false": False}
LARGEST = 16 * 1024


@dataclass(frozen=True)
class Filled:
    """`secrets`: those that were typed; the rest stays as it is."""

    connector: Connector
    secrets: Mapping[str, Secret]


def filled(declared: Declared, sent: Mapping[str, str], before: Connector | None) -> Filled:
    """Raises Refused. `before`: what is there already; members that the form does not have stay as they are."""
    config = {field.name: value for field in declared.fields() if (value := taken(field, sent, declared.config)) is not None}
    entry: dict[str, Any] = before.model_dump(exclude={"kind"}) if before else {"name": f"{declared.name}/{sent.get('called', '').strip()}"}
    scopes = frozenset(lines(sent.get("scopes", "")))
    given = entry | {"config": config, "scopes": scopes}
    if before is None:
        given["installation"] = sent.get("installation", "").strip() or "default"
    try:
        connector = Connector.model_validate(given)
    except ValidationError as error:
        raise unfit(error) from None
    return Filled(connector, typed(declared, sent, needed=before is None))


def unfit(error: ValidationError) -> Refused:
    """Which member is wrong, never what stood in it."""
    said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False, include_url=False))
    return wrong(said, "a name is lower case letters, digits, dots and dashes" if "name" in said else "mend it above")


def wrong(message: str, fix: str = "mend it above, and look again") -> Refused:
    return Refused(422, {"code": "malformed_request", "message": message, "fix": fix})


def taken(field: Field, sent: Mapping[str, str], schema: Schema) -> Any:
    """None where a member is left as the provider has it."""
    text = sent.get(f"config.{field.name}", "").replace("\r\n", "\n").strip()
    if not text:
        if field.required:
            raise wrong(f"{field.label} is needed")
        return None
    try:
        return value(field, text, schema["properties"][field.name])
    except (ValueError, KeyError):
        raise wrong(f"{field.label} is no {'whole number' if field.whole else 'value of its kind'}") from None


def value(field: Field, text: str, schema: Schema) -> Any:
    if field.kind == "lines":
        items = schema.get("items") or {}
        return [int(one) if items.get("type") == "integer" else one for one in lines(text)]
    if field.kind == "choice" and set(field.choices) == set(TRUTH):
        return TRUTH[text]
    if field.kind == "json":
        return json.loads(text)
    if field.kind == "number":
        return int(text) if field.whole else float(text)
    return text


def typed(declared: Declared, sent: Mapping[str, str], *, needed: bool) -> Mapping[str, Secret]:
    found = {}
    required = frozenset(declared.root.get("required") or ())
    for field in declared.secrets():
        text = sent.get(f"secret.{field.name}", "").replace("\r\n", "\n").removesuffix("\n")
        if len(text) > LARGEST:
            raise wrong(f"{field.label} is too long for a secret")
        if text:
            found[field.name] = Secret(text)
        elif needed and field.name in required:
            raise wrong(f"{field.label} is needed: a root secret of the provider", "type it above; it is sealed before it leaves the console")
    return found


def lines(text: str) -> Sequence[str]:
    return [one.strip() for one in text.replace("\r\n", "\n").split("\n") if one.strip()]
