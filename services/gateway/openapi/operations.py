"""What each door is for, takes and gives: one line of the table per method and address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.gateway.kinds import KINDS, Kind
from services.gateway.openapi.shapes import ENTRIES

Dialect = Literal["oauth", "v1"]
PAGED = ("limit", "cursor")
FILTER = ("connector", "project", "environment", "issuer", "sub_hash", "since", "until", "credential_id", "request_hash", "state")


@dataclass(frozen=True, slots=True)
class Operation:
    """`may`: the Cedar action that it takes; "" for whoever has a token, None for anyone. `noes`: statuses that do not follow from the rest."""

    tag: str
    summary: str
    answer: str | None
    may: str | None = ""
    body: str | None = None
    form: str | None = None
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    status: int = 200
    noes: tuple[int, ...] = ()
    tagged: bool = False
    also: Mapping[int, str] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)
    media: str = "text/plain"
    """Of an answer that is no JSON."""


CHANGES = ("If-Match",)
OCTETS = "application/octet-stream"
EXCHANGE = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "eyJhbGciOi…",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "audience": "postgres/shop", "scope": "read",
            "requested_lifetime": "300"}  # fmt: skip
WISH = {"connector": "postgres/shop", "scopes": ["read"], "lifetime": 300}
CEDAR = 'forbid (principal, action == Action::"mint", resource) unless { context.lifetime <= 3600 };'
EXAMPLES: Mapping[str, Any] = {
    "issuer": {"issuer": "https://token.actions.githubusercontent.com", "pins": {"repository_owner_id": "1234"},
               "project": {"claim": "repository"}, "environment": {"claim": "environment"}},
    "connector": {"config": {"host": "db.example", "database": "shop", "broker": "counterfoil", "schemas": ["public"]}, "scopes": ["read"]},
    "installation": {"config": {"database": "archive"}},
    "link": {"connector": "postgres/shop", "project": "web", "environments": ["production"], "ceiling": {"scopes": ["read"], "longest": 3600}},
    "policy": {"cedar": CEDAR},
    "operator": {"role": "viewer"},
}  # fmt: skip

TABLE: Mapping[tuple[str, str], Operation] = {
    ("POST", "/oauth2/token"): Operation("oauth", "Exchange an OIDC token for a short-lived credential (RFC 8693)", "Lent", None, form="TokenForm",
                                         headers=("Prefer",), noes=(401, 409, 429, 502, 503, 504), examples={"exchange": EXCHANGE}),
    ("POST", "/oauth2/revoke"): Operation("oauth", "End a credential of one's own (RFC 7009)", "Ending", form="OwnForm",
                                          examples={"by id": {"token": "0b8f3c1e-6f0e-5d57-9f10-3a3f5b6a7c8d"}}),
    ("POST", "/oauth2/introspect"): Operation("oauth", "Whether a credential of one's own is alive (RFC 7662)", "Introspection", form="OwnForm",
                                              examples={"by id": {"token": "0b8f3c1e-6f0e-5d57-9f10-3a3f5b6a7c8d"}}),
    ("GET", "/.well-known/counterfoil"): Operation("public", "Audience, keys to seal to, log keys, topics", "WellKnown", None, noes=(503,)),
    ("GET", "/.well-known/oauth-authorization-server"): Operation("public", "RFC 8414 metadata", "Metadata", None),
    ("GET", "/openapi.json"): Operation("public", "This document", "OpenApi", None),
    ("GET", "/problems/{code}"): Operation("public", "What a code means, in words", None, None, noes=(404,)),
    ("GET", "/v1/whoami"): Operation("credentials", "Who one is here", "Whoami", noes=(400,)),
    ("POST", "/v1/explain"): Operation("credentials", "What would come of a request, and by which rule; nothing is minted", "Explanation",
                                       body="ExplainBody", noes=(403,), examples={"own": WISH, "somebody's": WISH | {
                                           "as": {"project": "web", "environment": "preview"}}}),
    ("GET", "/v1/credentials"): Operation("credentials", "What may be alive, newest first; one's own without read_credentials", "CredentialPage",
                                          query=(*FILTER, *PAGED)),
    ("GET", "/v1/revocations"): Operation("revocations", "Orders to revoke, newest first; one's own without read_credentials", "OrderPage",
                                          query=PAGED),
    ("POST", "/v1/revocations"): Operation("revocations", "Order the end of whatever a predicate names, and stop it", "Ordered", body="OrderBody",
                                           query=("dry_run",), status=202, noes=(403, 404), also={200: "OrderTried"},
                                           examples={"a connector": {"predicate": {"connector": "postgres/shop"}, "cause": "leaked"}}),
    ("GET", "/v1/revocations/{id}"): Operation("revocations", "How far an order has come", "Progress", query=("wait",)),
    ("GET", "/v1/revocations/{id}/credentials"): Operation("revocations", "What has come of each that an order concerns", "OutcomePage",
                                                           query=PAGED, noes=(400,)),
    ("GET", "/v1/registry"): Operation("registry", "Every entry: what POST reads", "Registry", "read_registry", tagged=True, noes=(400,)),
    ("POST", "/v1/registry"): Operation("registry", "Put entries and sealed root secrets, all or nothing", "Changed", "change_registry",
                                        body="RegistryChange", query=("dry_run",), headers=CHANGES, noes=(409, 412), tagged=True,
                                        examples={"a policy": {"entries": [{"kind": "policy", "name": "an-hour", "cedar": CEDAR}]}}),
    ("GET", "/v1/providers"): Operation("registry", "What connectors can be made of", "ProviderPage", "read_registry", query=PAGED),
    ("GET", "/v1/providers/{name}"): Operation("registry", "What one provider declares", "Provider", "read_registry"),
    ("POST", "/v1/policies/lint"): Operation("registry", "Whether a policy would be taken, and what may go wrong", "Lint", "read_registry",
                                             body="LintBody", examples={"a policy": {"cedar": CEDAR}}),
    ("POST", "/v1/connectors/{name}/unfence"): Operation("revocations", "Let a fenced connector lend again", "Unfenced", "lift",
                                                         query=("dry_run",), headers=CHANGES, noes=(409, 412)),
    ("GET", "/v1/blocks"): Operation("revocations", "The blocks that stand", "BlockPage", "read_registry", query=PAGED),
    ("GET", "/v1/blocks/{id}"): Operation("revocations", "One block", "Block", "read_registry", tagged=True, noes=(400,)),
    ("DELETE", "/v1/blocks/{id}"): Operation("revocations", "Lift a block", "Lifted", "lift", query=("dry_run",), headers=CHANGES, noes=(412,)),
    ("POST", "/v1/dead-letters"): Operation("operations", "Put on record that a dead letter is put back or given up", "LetterActed", "lift",
                                            body="LetterAct", examples={"put back": {
                                                "place": "exchange.requested.v1:0:12", "act": "redriven", "reason": "a new version reads it"}}),
    ("POST", "/v1/consents"): Operation("credentials", "Ask for the agreement of one of the app's users: where to send them", "Asked",
                                       body="AskBody", status=201, noes=(403, 409),
                                       examples={"a user": {"connector": "oauth2/crm", "user": "u-17", "scopes": ["contacts:read"]}}),
    ("GET", "/v1/consents/{id}"): Operation("credentials", "What came of it", "Consent", noes=(400,)),
    ("GET", "/v1/grants"): Operation("credentials", "What users agreed to, newest first; those of one's own project without read_credentials",
                                     "GrantPage", query=("connector", "project", "environment", "user", "user_issuer", *PAGED), noes=(403,)),
    ("GET", "/v1/grants/{id}"): Operation("credentials", "One of them", "Grant", noes=(400,)),
    ("DELETE", "/v1/grants/{id}"): Operation("credentials", "End it, and all that is lent under it", "Grant", noes=(400,)),
    ("GET", "/v1/audit/leaves"): Operation("audit", "Leaves in order, with the signed head; else the last ones", "Leaves", "read_audit",
                                           query=("from", "after", "request_id", "credential_id", *PAGED)),
    **{("GET", f"/v1/audit/{where}checkpoint"): Operation("audit", "The published checkpoint, with its witnesses' cosignatures: a C2SP signed note",
                                                    None, None, noes=(400, 404, 503))
       for where in ("", "tlog/")},
    ("GET", "/v1/audit/proof/inclusion"): Operation("audit", "That a leaf is in the published checkpoint's tree, or in one of `size`", "Inclusion",
                                                    "read_audit", query=("index", "size"), noes=(404,)),
    ("GET", "/v1/audit/proof/consistency"): Operation("audit", "That a tree of `from` leaves is the beginning of a later one", "Consistency", None,
                                                      query=("old", "to"), noes=(404, 503)),
    ("GET", "/v1/audit/tlog/tile/{level}/{tile}"): Operation("audit", "A tile of the Merkle tree (C2SP tlog-tiles)", None, None, media=OCTETS,
                                                             noes=(400, 503)),
    ("GET", "/v1/audit/tlog/tile/entries/{tile}"): Operation("audit", "The leaves of a tile of level 0 (C2SP tlog-tiles)", None, "read_audit",
                                                             media=OCTETS),
}  # fmt: skip


def of_kind(kind: Kind) -> Iterator[tuple[tuple[str, str], Operation]]:
    name, path = ENTRIES[kind.kind], f"/v1/{kind.plural}"
    yield ("GET", path), Operation("registry", f"The {kind.plural}, by name", f"{name}Page", "read_registry", query=PAGED)
    yield (("GET", f"{path}/{{name}}"), Operation("registry", f"One {kind.kind}", f"{name}Shown", "read_registry", tagged=True, noes=(400,)))
    changed = {"may": "change_registry", "query": ("dry_run",), "tagged": True}
    yield (
        ("PUT", f"{path}/{{name}}"),
        Operation("registry", f"Put one {kind.kind}", "Changed", body=f"{name}Body", headers=("If-Match", "If-None-Match"), noes=(409, 412),
                  examples={"usual": EXAMPLES[kind.kind]}, **changed),  # type: ignore[arg-type]
    )  # fmt: skip
    yield (
        ("DELETE", f"{path}/{{name}}"),
        Operation("registry", f"Remove one {kind.kind}", "Changed", headers=CHANGES, noes=(409, 412), **{**changed, "tagged": False}),  # type: ignore[arg-type]
    )


def operations() -> dict[tuple[str, str], Operation]:
    return {**TABLE, **dict(pair for kind in KINDS.values() for pair in of_kind(kind))}
