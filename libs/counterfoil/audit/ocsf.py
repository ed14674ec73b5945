"""A leaf as an OCSF event: https://schema.ocsf.io/1.4.0

A projection, never the source: what the class has no place for stands whole in `unmapped.fact`, and `metadata.uid` is the leaf's hash.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from counterfoil.audit.ocsf_parts import actor, api, asked, entity, requested_by, resource, service, user
from counterfoil.wire.merkle import leaf_hash

VERSION = "1.4.0"
AUTHENTICATION, AUTHORIZE_SESSION, ENTITY_MANAGEMENT, API_ACTIVITY = 3002, 3003, 3004, 6003
INFORMATIONAL, LOW, MEDIUM, HIGH = 1, 2, 3, 4
SUCCESS, FAILURE, OTHER = 1, 2, 99
CREATE, UPDATE, DELETE = 1, 3, 4
TICKET, ASSIGN_PRIVILEGES = 3, 1
ENABLE, DISABLE = 8, 9
CHANGES = {
    "removed": DELETE, "fenced": DISABLE, "unfenced": ENABLE, "blocked": DISABLE, "unblocked": ENABLE, "key_added": CREATE, "key_retired": DISABLE,
    "subject_erased": DELETE, "grant_ended": DELETE,
}  # fmt: skip
"""Of Entity Management; whatever is not here is an update."""
Fact = Mapping[str, Any]
Members = dict[str, Any]


def event(index: int, leaf: str, members: Mapping[str, Any], origin: str) -> Members:
    fact = members["fact"]
    made = KINDS.get(fact["kind"], unknown)(fact)
    metadata = {
        "version": VERSION, "product": {"name": "Counterfoil", "vendor_name": "Counterfoil"}, "uid": leaf_hash(leaf.encode()).hex(),
        "sequence": index, "log_name": origin, "event_code": fact["kind"], "logged_time": milliseconds(members["time"]),
    }  # fmt: skip
    if request_id := asked(fact).get("request_id"):
        metadata["correlation_uid"] = request_id
    return made | {"time": milliseconds(fact.get("at") or members["time"]), "metadata": metadata, "unmapped": {"fact": fact}}


def verified(fact: Fact) -> Members:
    return classed(AUTHENTICATION, TICKET, fact) | {"user": user(fact), "service": service(fact), "auth_protocol_id": OTHER, "auth_protocol": "OIDC"}


def authorized(fact: Fact) -> Members:
    """What was granted, or what of it was beyond."""
    privileges = list(fact.get("scopes") or fact.get("beyond") or ())
    return classed(AUTHORIZE_SESSION, ASSIGN_PRIVILEGES, fact) | {"user": user(fact), "privileges": privileges}


def minted(fact: Fact) -> Members:
    return called(fact, "mint", CREATE, "mint", requested_by(fact))


def revocation_requested(fact: Fact) -> Members:
    return called(fact, "revocation.request", DELETE, "gateway", actor(fact))


def revocation_ordered(fact: Fact) -> Members:
    return called(fact, "revocation.order", DELETE, "revoker", {"app_name": "counterfoil-revoker"})


def settled(fact: Fact) -> Members:
    return called(fact, "revoke", DELETE, "revoke", {"app_name": "counterfoil-revoke"})


def consented(fact: Fact) -> Members:
    return called(fact, "consent", CREATE, "mint", {"app_name": fact.get("project") or "counterfoil-mint"})


def changed(fact: Fact) -> Members:
    activity = CHANGES.get(fact["change"], UPDATE)
    return classed(ENTITY_MANAGEMENT, activity, fact) | {"entity": entity(fact), "actor": actor(fact), "comment": fact["change"]}


def unknown(fact: Fact) -> Members:
    """Of a newer writer."""
    return called(fact, fact["kind"], OTHER, "audit", {"app_name": "counterfoil"})


def called(fact: Fact, operation: str, activity: int, process: str, by: Members) -> Members:
    resources = [resource(fact)] if fact.get("credential_id") else []
    done = {"api": api(fact, operation), "actor": by, "src_endpoint": {"svc_name": f"counterfoil-{process}"}}
    return classed(API_ACTIVITY, activity, fact) | done | ({"resources": resources} if resources else {})


def classed(class_uid: int, activity: int, fact: Fact) -> Members:
    status, severity = OUTCOMES.get(fact["kind"], (SUCCESS, INFORMATIONAL))
    found = {
        "class_uid": class_uid, "category_uid": class_uid // 1000, "activity_id": activity, "type_uid": class_uid * 100 + activity,
        "severity_id": severity, "status_id": status,
    }  # fmt: skip
    said = {"status_code": fact.get("code") or fact.get("outcome"), "status_detail": fact.get("message"), "message": fact.get("rule")}
    return found | {name: text for name, text in said.items() if text}


def milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)


OUTCOMES = {
    "identity.rejected": (FAILURE, LOW), "grant.denied": (FAILURE, LOW), "mint.refused": (FAILURE, LOW), "revocation.stuck": (FAILURE, HIGH),
    "revocation.uncertain": (OTHER, MEDIUM), "consent.refused": (FAILURE, LOW),
}  # fmt: skip
KINDS: Mapping[str, Callable[[Fact], Members]] = {
    "identity.verified": verified, "identity.rejected": verified, "grant.approved": authorized, "grant.denied": authorized,
    "credential.minted": minted, "mint.refused": minted, "revocation.requested": revocation_requested, "revocation.ordered": revocation_ordered,
    "credential.revoked": settled, "revocation.stuck": settled, "revocation.uncertain": settled, "registry.changed": changed,
    "consent.granted": consented, "consent.refused": consented,
}  # fmt: skip
