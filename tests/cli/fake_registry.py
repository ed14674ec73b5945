"""A registry that a stand-in keeps: entries, secrets and what changed, without any rule of the real one."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from counterfoil.cli.registry_file import ENTRY
from tests.cli.stand_in import Asked, StandIn

KINDS = {"issuers": "issuer", "connectors": "connector", "installations": "installation", "links": "link", "policies": "policy"}
POSTGRES = {
    "name": "postgres", "documentation": "https://www.postgresql.org/docs/current/", "revocation": "by_name", "reach": "credential",
    "longest": 86400,
    "config": {
        "type": "object", "required": ["host", "schemas"],
        "properties": {
            "host": {"type": "string"}, "port": {"type": "integer", "default": 5432},
            "schemas": {"type": "array", "items": {"type": "string"}, "description": "what is offered"},
            "sslmode": {"type": "string", "enum": ["disable", "require"], "default": "require"}, "pooled": {"type": "boolean", "default": False},
        },
    },
    "root": {"type": "object", "required": ["password"], "properties": {"password": {"type": "string", "writeOnly": True}}},
}  # fmt: skip


@dataclass
class FakeRegistry:
    entries: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[dict[str, Any]] = field(default_factory=list)
    revision: int = 1

    def serve(self, gateway: StandIn) -> None:
        gateway.says["/v1/registry"] = self.registry
        gateway.says["/v1/providers"] = lambda _: (200, {"providers": [POSTGRES], "next": None})
        gateway.says["/v1/providers/postgres"] = lambda _: (200, POSTGRES)
        gateway.says["/v1/providers/pg"] = lambda _: (404, {"code": "not_found", "message": "there is no such provider"})
        for plural, kind in KINDS.items():
            gateway.says[f"/v1/{plural}"] = partial(self.page, plural, kind)

    def page(self, plural: str, kind: str, asked: Asked) -> tuple[int, Any]:
        """One to a page, so that whoever reads only the first is found out."""
        found = [self.shown(one) for one in self.entries if one["kind"] == kind]
        at = int(asked.query.get("cursor", "0"))
        return 200, {plural: found[at : at + 1], "next": str(at + 1) if at + 1 < len(found) else None}

    def shown(self, one: dict[str, Any]) -> dict[str, Any]:
        entry = ENTRY.validate_python(one)
        versions = {one["field"]: one["version"] for one in self.secrets if one["connector"] == entry.name}
        return {"name": entry.name, **entry.model_dump(mode="json")} | ({"secrets": versions, "state": "active"} if entry.kind == "connector" else {})

    def registry(self, asked: Asked) -> tuple[int, Any]:
        if asked.body is None:
            return 200, {"revision": self.revision, "entries": self.entries}
        given = [(one["kind"], ENTRY.validate_python(one).name) for one in asked.body["entries"]]
        changes = [{"kind": kind, "name": name, "change": "created"} for kind, name in given]
        if not asked.body["dry_run"]:
            self.entries += asked.body["entries"]
            self.secrets += asked.body["secrets"]
            self.revision += 1
        return 200, {"revision": self.revision, "changes": changes, "dry_run": asked.body["dry_run"]}
