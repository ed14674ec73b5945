"""What the gateway knows of providers: what each declares, without a line of its code. The gateway imports none of them."""

from datetime import timedelta
from typing import Any

from deploy.schemas import ordered
from services.providers import shelf
from services.providers.seam import Declared, Provider

WORDS = ("name", "documentation", "revocation", "reach", "idempotency", "ends_by_itself")
TIMES = ("shortest", "longest", "window")


def document() -> dict[str, Any]:
    return {"providers": [declared(shelf.provider(name)) for name in shelf.names()]}


def declared(provider: Provider) -> dict[str, Any]:
    """Times in seconds."""
    found: dict[str, Any] = {name: getattr(provider, name) for name in WORDS}
    found |= {name: seconds(getattr(provider, name)) for name in TIMES}
    return found | {"config": ordered(provider.config.model_json_schema()), "root": secrets(provider.root)}


def seconds(time: timedelta) -> int | float:
    return int(time.total_seconds()) if not time.microseconds else time.total_seconds()


def secrets(root: type[Declared]) -> dict[str, Any]:
    """Every member of it is a Secret, which has no JSON: a text that goes in and never comes out."""
    fields = root.model_fields
    told = {name: {"description": field.description} if field.description else {} for name, field in fields.items()}
    return {
        "type": "object",
        "properties": {name: {"type": "string", "writeOnly": True, **told[name]} for name in fields},
        "required": [name for name, field in fields.items() if field.is_required()],
        "additionalProperties": False,
    }
