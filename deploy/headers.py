"""What stands in a record's headers, as JSON Schema: the CloudEvents attributes and ours."""

from collections.abc import Mapping
from typing import Any

from counterfoil.contracts.base import Topic
from counterfoil.contracts.exchange_requested import TOKEN_HEADER
from counterfoil.wire.envelope import DEADLINE, REPLY_PARTITION, SIGNATURE, TRACEPARENT, TRACESTATE, constant

Schema = dict[str, Any]
VARYING: Mapping[str, Schema] = {
    "ce_id": {"type": "string", "description": "the fact's id; of a request, its request_id"},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_source": {"type": "string", "pattern": "^/counterfoil/[a-z]+$", "description": "the role that wrote it"},
}
SIGNED: Mapping[str, Schema] = {
    SIGNATURE: {"type": "string", "description": "kid.size.index.path.signature: Ed25519 over the Merkle root of the batch it was published in"}
}
SEALED: Mapping[str, Schema] = {TOKEN_HEADER: {"type": "string", "description": "the caller's OIDC token, sealed to the verifier (HPKE): binary"}}
TRACE: Mapping[str, Schema] = {
    TRACEPARENT: {"type": "string", "description": "W3C Trace Context"},
    TRACESTATE: {"type": "string", "description": "W3C Trace Context"},
}
ASKED: Mapping[str, Schema] = {
    DEADLINE: {"type": "string", "format": "date-time", "description": "mirrors asked.deadline, for routing only"},
    REPLY_PARTITION: {"type": "string", "pattern": "^[0-9]+$", "description": "mirrors asked.reply_to.partition, for routing only"},
}
BURIED: Mapping[str, Schema] = {
    "dlq-code": {"type": "string", "description": "why no one could read it"},
    "dlq-partition": {"type": "string", "pattern": "^[0-9]+$"},
    "dlq-offset": {"type": "string", "pattern": "^[0-9]+$"},
    "dlq-by": {"type": "string", "description": "the role that gave it up"},
}


def of(topic: Topic, kind: str) -> Schema:
    fixed: dict[str, Schema] = {name: {"const": value.decode()} for name, value in constant(topic, kind, "role")}
    found = {**fixed, **VARYING, **(SIGNED if topic.signed else SEALED)}
    needed = sorted(found)
    return {"type": "object", "properties": {**found, **(ASKED if topic.name.startswith("exchange.") else {}), **TRACE}, "required": needed}


def of_dead_letters() -> Schema:
    return {"type": "object", "properties": dict(BURIED), "required": sorted(BURIED), "description": "beside the record's own headers"}
