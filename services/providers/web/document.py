"""Answers of an API that speaks JSON: the body is read before the status is believed."""

from collections.abc import Mapping, Sequence

from counterfoil_server.runtime.tokens.notation import json_object

Body = Mapping[str, object]


def body(raw: bytes) -> Body:
    """{} where it is no JSON object."""
    try:
        return json_object(raw)
    except (ValueError, TypeError):
        return {}


def objects(raw: bytes) -> Sequence[Body] | None:
    """None where it is no list of objects."""
    found = body(b'{"all":' + raw + b"}")
    listed = found.get("all")
    if len(found) != 1 or not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return None
    return listed
