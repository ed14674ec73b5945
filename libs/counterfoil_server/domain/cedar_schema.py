"""The vocabulary as a Cedar schema, for checking a policy before anybody is asked by it. https://docs.cedarpolicy.com/schema/human-readable-schema.html

What is optional is what a question may lack: read without asking `has` first, it fails there, and a policy that fails denies.
"""

from collections.abc import Iterable, Mapping

from counterfoil_server.domain.operators import ACTIONS
from counterfoil_server.domain.vocabulary import literal

MINT = "mint"
Claims = Mapping[str, "str | Claims"]
"""By name: a Cedar type, or a record of them."""


def of_mint(claims: Claims, *, lenient: bool) -> str:
    """`lenient`: whatever may be absent is taken to be there, so that what is wrong in any case shows."""
    may = "" if lenient else "?"
    return f"""entity Project; entity Provider;
entity Workload in [Project] = {{ issuer: String, sub_hash: String, project: String, environment: String, subject{may}: String }};
entity Connector in [Provider] = {{ name: String, provider: String, installation: String }};
action {literal(MINT)} appliesTo {{ principal: [Workload], resource: [Connector], context: {{
    scopes: Set<String>, details: Set<String>, lifetime: Long, claims: {record(claims, may)}, at: datetime, user{may}: String }} }};
"""


def of_all(claims: Claims, *, lenient: bool) -> str:
    """The operators' actions beside it. Whoever has a token may ask for these, with a place or without, and about no connector, too."""
    may = "" if lenient else "?"
    return f"""entity Project; entity Provider; entity Installation;
entity Workload in [Project] = {{ issuer: String, sub_hash: String, project{may}: String, environment{may}: String, subject{may}: String }};
entity Operator = {{ issuer: String, sub_hash: String, role: String }};
entity Connector in [Provider] = {{ name: String, provider: String, installation{may}: String }};
action {literal(MINT)} appliesTo {{ principal: [Workload], resource: [Connector], context: {{
    scopes: Set<String>, details: Set<String>, lifetime: Long, claims: {record(claims, may)}, at: datetime, user{may}: String }} }};
action {listed(ACTIONS)} appliesTo {{ principal: [Workload, Operator], resource: [Connector, Installation], context: {{ own: Bool }} }};
"""


def record(claims: Claims, may: str) -> str:
    return "{ " + ", ".join(f"{literal(name)}{may}: {kind if isinstance(kind, str) else record(kind, may)}" for name, kind in claims.items()) + " }"


def listed(names: Iterable[str]) -> str:
    return ", ".join(literal(name) for name in sorted(names))
