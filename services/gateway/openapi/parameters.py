"""The parameters that doors share, and the names in their addresses."""

from counterfoil.wire.users import LONGEST
from services.gateway.openapi.answers import STATES
from services.gateway.openapi.shapes import DIGEST, ID, TEXT, TIME, Json
from services.gateway.paging import MOST, USUAL
from services.gateway.table import TABLE
from services.gateway.v1_revocations import LONGEST_WAIT

PRINTED = {"type": "string", "pattern": r"^[\x21-\x7e]{1,64}$"}
QUERY: dict[str, tuple[Json, str]] = {
    "limit": ({"type": "integer", "minimum": 0, "maximum": MOST}, f"entries of a page; {USUAL} where absent, {MOST} for the registry's"),
    "cursor": (TEXT, "`next` of the page before"),
    "dry_run": ({"enum": ["true", "false"]}, "do all of it, and take it back"),
    "wait": ({"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT}, "seconds to wait for the end"),
    "from": ({"type": "integer", "minimum": 0, "maximum": 2**53}, "the first index"),
    "size": ({"type": "integer", "minimum": 1, "maximum": 2**53}, "of the tree, where it is not the published checkpoint's"),
    "to": ({"type": "integer", "minimum": 0, "maximum": 2**53}, "the later size; the published checkpoint's where absent"),
    "request_id": (ID, "only leaves about this request"),
    "after": ({"type": "integer", "minimum": 0, "maximum": 2**53}, "the index before the first"),
    "state": ({"enum": ["alive", "all", *STATES["enum"]]}, "`alive` where absent"),
    "connector": (PRINTED, ""), "project": (PRINTED, ""), "environment": (PRINTED, ""), "issuer": (PRINTED, ""), "sub_hash": (DIGEST, ""),
    "user": ({"type": "string", "minLength": 1, "maxLength": LONGEST}, "the id that the app knows them by"),
    "user_issuer": ({"type": "string", "minLength": 1, "maxLength": LONGEST}, "who else knows them by that id"),
    "since": (TIME, "minted at or after"), "until": (TIME, "minted before"), "credential_id": (ID, ""), "request_hash": (DIGEST, ""),
}  # fmt: skip
NEEDED: dict[str, tuple[str, Json, str]] = {
    "index": ("index", {"type": "integer", "minimum": 0, "maximum": 2**53}, "of the leaf"),
    "old": ("from", {"type": "integer", "minimum": 0, "maximum": 2**53}, "the earlier size"),
}
HEADERS: dict[str, tuple[Json, str]] = {
    "If-Match": ({"type": "string", "pattern": r'^(\*|"[A-Za-z0-9]{1,64}")$'}, "the ETag of what was seen: 412 where it is another by now"),
    "If-None-Match": ({"const": "*"}, "only where nothing is there yet"),
    "Prefer": ({"type": "string", "pattern": "^wait=[0-9]{1,4}$"}, "RFC 7240: `wait=<seconds>` makes the deadline earlier"),
}
COMPONENTS: Json = {
    name: {"name": name, "in": where, "required": False, "schema": schema, **({"description": tells} if tells else {})}
    for where, of in (("query", QUERY), ("header", HEADERS)) for name, (schema, tells) in of.items()
} | {
    key: {"name": name, "in": "query", "required": True, "schema": schema, "description": tells} for key, (name, schema, tells) in NEEDED.items()
}  # fmt: skip
NAMES: dict[str, Json] = {
    "id": ID,
    "code": {"enum": sorted(TABLE)},
    "level": {"type": "string", "pattern": "^(0|[1-9]|[1-5][0-9]|6[0-3])$"},
    "tile": {"type": "string", "pattern": r"^(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?$"},
    "name": {"type": "string", "minLength": 1, "pattern": r"^[a-z0-9_@|>/+:.-]*[a-z0-9]$"},
}


def of(name: str) -> Json:
    if name in COMPONENTS:
        return {"$ref": f"#/components/parameters/{name}"}
    return {"name": name, "in": "path", "required": True, "schema": NAMES[name]}
