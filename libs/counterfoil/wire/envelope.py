"""CloudEvents 1.0 in Kafka's binary mode: what stands in a record's headers.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from counterfoil.contracts.base import Fact, Message, Topic
from counterfoil.wire.canonical import NotJson, strict_json

SIGNATURE, DEADLINE, REPLY_PARTITION, TRACEPARENT, TRACESTATE = "signature", "deadline", "reply-partition", "traceparent", "tracestate"
TYPE, SPECVERSION, CONTENT_TYPE = "ce_type", "ce_specversion", "content-type"


class Unreadable(ValueError):
    """A record that no one can read: its code is the dead letter's reason."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


@cache
def adapter(topic: Topic) -> TypeAdapter[Any]:
    return topic.adapter()


@cache
def constant(topic: Topic, kind: str, source: str) -> tuple[tuple[str, bytes], ...]:
    return (
        (SPECVERSION, b"1.0"),
        (TYPE, f"counterfoil.{kind}.v{topic.version}".encode()),
        ("ce_source", f"/counterfoil/{source}".encode()),
        ("ce_dataschema", f"urn:counterfoil:schema:{topic}:{kind}".encode()),
        (CONTENT_TYPE, b"application/json"),
    )


def kind_of(fact: Message, topic: Topic) -> str:
    return str(getattr(fact, "kind", topic.name))


def headers(topic: Topic, fact: Message, source: str, event_id: str) -> list[tuple[str, bytes]]:
    """The CloudEvents attributes. Signature, deadline and trace context come beside them."""
    at = fact.at if isinstance(fact, Fact) else datetime.now(UTC)
    return [*constant(topic, kind_of(fact, topic), source), ("ce_id", event_id.encode()), ("ce_time", at.isoformat().encode())]


def encode(fact: Message) -> bytes:
    """The bytes that are signed, hashed and sent. Made once per fact."""
    return fact.__pydantic_serializer__.to_json(fact, exclude_none=True)


def decode(topic: Topic, value: bytes | None, headers: dict[str, bytes]) -> Any:
    """The fact in a record's value. Raises Unreadable: `unknown_version`, `not_json`, `bad_shape`."""
    expected = f".v{topic.version}".encode()
    if headers.get(SPECVERSION, b"1.0") != b"1.0" or not headers.get(TYPE, expected).endswith(expected):
        raise Unreadable("unknown_version")
    if not value:
        raise Unreadable("empty")
    try:
        return adapter(topic).validate_json(value)
    except ValueError as error:
        try:
            strict_json(value)
        except NotJson as reason:
            raise Unreadable("not_json", str(reason)) from None
        raise Unreadable("bad_shape", fields(error)) from None


def fields(error: ValueError) -> str:
    """Which members are wrong and how, never what stood in them."""
    found = error.errors(include_input=False, include_url=False, include_context=False) if hasattr(error, "errors") else []
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5])
