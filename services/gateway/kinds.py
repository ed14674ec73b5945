"""The kinds of entry, each with its address at /v1 and what an address says of the entry behind it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from counterfoil.wire.envelope import fields
from counterfoil_server.runtime.snapshot import ENTRY, Entry
from services.gateway.problems import Problem


@dataclass(frozen=True, slots=True)
class Kind:
    """`members`: those that follow from the name, and so need not stand in the body. `connector`: the one that an entry of this name is about."""

    kind: str
    plural: str
    members: Callable[[str], dict[str, Any]] = lambda name: {"name": name}
    connector: Callable[[str], str | None] = lambda _: None


def of_installation(name: str) -> dict[str, Any]:
    connector, _, installation = name.partition("@")
    return {"connector": connector, "installation": installation}


def of_operator(name: str) -> dict[str, Any]:
    """An issuer's URL has no bar; a subject may."""
    issuer, _, subject = name.partition("|")
    return {"issuer": issuer, "subject": subject}


KINDS: Mapping[str, Kind] = {
    one.kind: one
    for one in (
        Kind("issuer", "issuers"),
        Kind("connector", "connectors", connector=lambda name: name),
        Kind("installation", "installations", of_installation, lambda name: name.partition("@")[0]),
        Kind("link", "links", lambda _: {}, lambda name: name.rpartition("->")[2] or None),
        Kind("policy", "policies"),
        Kind("operator", "operators", of_operator),
    )
}


def entry(given: Any, place: str) -> Entry:
    """Says which member is wrong, and never what stood in it. As JSON, for there types are exact and a list may still be a set."""
    try:
        return ENTRY.validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        raise Problem("malformed_request", f"{place}: {fields(error)}") from None


def named(kind: Kind, name: str, given: Mapping[str, Any]) -> Entry:
    """Of the body alone and the address; they may not differ."""
    found = entry({"kind": kind.kind, **kind.members(name), **given}, kind.kind)
    if (found.kind, found.name) != (kind.kind, name):
        raise Problem("malformed_request", "the body names another entry than the address", fix=f"Its address is /v1/{kind.plural}/{found.name}.")
    return found
