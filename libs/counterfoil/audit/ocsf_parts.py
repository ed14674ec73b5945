"""The objects that OCSF events are made of: https://schema.ocsf.io/1.4.0/objects"""

from collections.abc import Mapping
from typing import Any

Fact = Mapping[str, Any]
Members = dict[str, Any]
OTHER = 99
POLICY = 5


def asked(fact: Fact) -> Mapping[str, Any]:
    found: Mapping[str, Any] = fact.get("asked") or {}
    return found


def user(of: Fact) -> Members:
    """A subject is its keyed digest: the log has no name for it."""
    issuer = of.get("issuer") or of.get("unverified_issuer")
    groups = [{"name": f"{of['project']}/{of['environment']}", "type": "project"}] if of.get("project") and of.get("environment") else []
    who = {"uid": of["sub_hash"]} if of.get("sub_hash") else {"name": "unknown"}
    return who | ({"domain": issuer} if issuer else {}) | ({"groups": groups} if groups else {})


def requested_by(fact: Fact) -> Members:
    return {"user": user(fact)} | ({"idp": {"name": fact["issuer"]}} if fact.get("issuer") else {})


def actor(fact: Fact) -> Members:
    who = fact.get("actor") or {}
    return {"user": user(who) | {"type": str(who.get("role", "unknown")), "type_id": OTHER}}


def service(fact: Fact) -> Members:
    return {"name": asked(fact).get("connector") or "unknown"}


def api(fact: Fact, operation: str) -> Members:
    connector = fact.get("connector") or asked(fact).get("connector") or (fact.get("predicate") or {}).get("connector")
    request_id = asked(fact).get("request_id") or fact.get("revocation_id") or fact.get("id")
    made: Members = {"operation": operation}
    if connector:
        made["service"] = {"name": connector}
    if request_id:
        made["request"] = {"uid": request_id}
    if fact.get("code"):
        made["response"] = {"error": fact["code"]} | ({"error_message": fact["message"]} if fact.get("message") else {})
    return made


def resource(fact: Fact) -> Members:
    return {"uid": fact["credential_id"], "type": "credential"} | ({"name": fact["connector"]} if fact.get("connector") else {})


def entity(fact: Fact) -> Members:
    kind = fact["entry_kind"]
    found = {"name": fact["name"], "type": kind, "type_id": POLICY if kind == "policy" else OTHER, "version": str(fact["revision"])}
    return found | ({"data": fact["entry"]} if fact.get("entry") else {})
