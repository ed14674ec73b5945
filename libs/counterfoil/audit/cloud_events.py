"""A leaf as a CloudEvent 1.0 in JSON: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md"""

from typing import Any
from urllib.parse import quote

from counterfoil.wire.merkle import leaf_hash

IN_A_REFERENCE = "/:@!$&'()*,;=~"
"""`source` is a URI reference, and an origin is any text without spaces."""


def event(index: int, leaf: str, members: dict[str, Any], origin: str) -> dict[str, Any]:
    """`tlogindex` is text: an integer attribute has 32 bits, and a log may have more leaves."""
    fact = members["fact"]
    subject = (fact.get("asked") or {}).get("request_id") or fact.get("credential_id") or fact.get("name")
    return {
        "specversion": "1.0",
        "id": leaf_hash(leaf.encode()).hex(),
        "source": quote(origin, safe=IN_A_REFERENCE),
        "type": f"counterfoil.audit.{fact['kind']}.v1",
        **({"subject": subject} if subject else {}),
        "time": members["time"],
        "datacontenttype": "application/json",
        "tlogindex": str(index),
        "data": members,
    }
