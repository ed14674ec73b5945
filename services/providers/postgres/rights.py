"""What a wish means in a database: who may read or write which tables of what is on offer. Pure."""

from typing import Annotated, Literal

from pydantic import Field

from services.providers.seam import Declared, Details, Refused, read

Action = Literal["read", "write"]
Name = Annotated[str, Field(min_length=1, max_length=63)]
Right = tuple[str, str, str | None]
"""Action, schema, and a table, or None for all tables of the schema that the broker may pass on."""


class Detail(Declared):
    """RFC 9396. Without schemas and tables: all schemas on offer. Without actions: the scopes are the actions."""

    type: Literal["postgres"]
    actions: tuple[Action, ...] = Field(default=(), strict=False)
    schemas: tuple[Name, ...] = Field(default=(), strict=False)
    tables: tuple[Annotated[str, Field(pattern=r"^[^.]{1,63}\..{1,63}$")], ...] = Field(default=(), strict=False)


def rights(scopes: frozenset[str], details: Details, offered: tuple[str, ...]) -> frozenset[Right]:
    """Scopes alone reach every schema on offer. Details narrow them: then nothing is granted that no detail names."""
    if unknown := scopes - {"read", "write"}:
        raise Refused("unknown_scope", f"no such scope here: {min(unknown)[:64]}; there are read and write")
    wished: set[Right] = set()
    for detail in [read(Detail, given, "details") for given in details] or [Detail(type="postgres")]:
        if scopes and (beyond := set(detail.actions) - scopes):
            raise Refused("beyond_scopes", f"details ask for {min(beyond)}, the scopes do not")
        schemas = detail.schemas or (() if detail.tables else offered)
        places = [(schema, None) for schema in schemas] + [(schema, table) for schema, _, table in (name.partition(".") for name in detail.tables)]
        if strange := {schema for schema, _ in places} - set(offered):
            raise Refused("unknown_schema", f"not on offer: {min(strange)}")
        wished |= {(action, schema, table) for action in detail.actions or scopes for schema, table in places}
    if not wished:
        raise Refused("nothing_asked", "name a scope, read or write, or an action in every detail")
    return frozenset(right for right in wished if right[2] is None or (right[0], right[1], None) not in wished)
