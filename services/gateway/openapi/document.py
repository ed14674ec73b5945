"""OpenAPI 3.1 of the gateway's doors. https://spec.openapis.org/oas/v3.1.1

A door without a line in the table, or a line without a door, is an error: the document is the routes'.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.gateway.openapi import answers, parameters, shapes
from services.gateway.openapi.operations import Operation, operations
from services.gateway.openapi.shapes import Json, ref

VERSION = "1"
TELLS = """Lend credentials, keep the counterfoil. Every *no* is a problem document (RFC 9457) with a code, and a fix that says what to do; at /oauth2
it has RFC 6749's members beside. Lists have `limit`, `cursor` and `next`. What is there has an ETag: with `If-Match` it is changed only while it is
still that one."""
TAGS = {
    "oauth": "What apps ask for", "credentials": "What is lent, and what would be", "revocations": "What is stopped", "registry": "What is declared",
    "operations": "What is put right", "audit": "What was recorded", "public": "What anyone may know",
}  # fmt: skip
PROBLEMS = {
    400: "The request is not taken", 401: "Who asks is not proven", 403: "Not for this identity", 404: "Nothing there by that name",
    408: "The body did not arrive in time", 409: "What is there does not allow it", 412: "It is not what If-Match names",
    413: "The body is too large", 415: "The body has another media type", 429: "A limit was reached", 500: "Something went wrong here",
    502: "The provider, or mint, refused", 503: "A part is away", 504: "Too late",
}  # fmt: skip


def document(addresses: Iterable[tuple[str, Iterable[str]]], server: str) -> Json:
    """`addresses`: paths as the routes have them, with their methods."""
    found: dict[str, Json] = {}
    known = operations()
    for path, methods in addresses:
        plain = path.replace(":path}", "}")
        for method in methods:
            found.setdefault(plain, {})[method.lower()] = operation(method, plain, known.pop((method, plain)))
    if known:
        raise KeyError(f"no such doors: {sorted(known)}")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Counterfoil", "version": VERSION, "description": TELLS, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": server}],
        "tags": [{"name": name, "description": tells} for name, tells in TAGS.items()],
        "paths": dict(sorted(found.items())),
        "components": {
            "schemas": schemas(),
            "parameters": parameters.COMPONENTS,
            "responses": {f"{kind}{status}": problem(status, kind) for kind in ("Problem", "OAuthProblem") for status in PROBLEMS},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                                           "description": "an OIDC token of a registered issuer, for this installation's audience"}},
        },
    }  # fmt: skip


def schemas() -> Json:
    made = {**shapes.contracts(), **shapes.entries(), **answers.registry(), **answers.stops(), **answers.credentials(),
            **answers.proofs(), **answers.agreements(), **answers.doors()}  # fmt: skip
    oauth = shapes.exactly(error=shapes.TEXT, error_description=shapes.TEXT)
    problem = {"Problem": shapes.problem(), "OAuthProblem": {"allOf": [ref("Problem"), {**oauth, "additionalProperties": True}]}}
    return dict(sorted({**made, **problem, "OpenApi": shapes.OPEN}.items()))


def operation(method: str, path: str, one: Operation) -> Json:
    found: Json = {"operationId": identifier(method, path), "tags": [one.tag], "summary": one.summary}
    if one.may:
        found["description"] = f"Takes the Cedar action `{one.may}`."
    names = [*(part[1:-1] for part in path.split("/") if part.startswith("{")), *one.query, *one.headers]
    if names:
        found["parameters"] = [parameters.of(name) for name in names]
    if one.body or one.form:
        found["requestBody"] = body(one)
    return {**found, "responses": responses(path, one), "security": [] if one.may is None else [{"bearer": []}]}


def identifier(method: str, path: str) -> str:
    parts = [part.strip("{}.").replace("-", "_") for part in path.split("/") if part]
    return "_".join([method.lower(), *parts]).replace(".", "_")


def body(one: Operation) -> Json:
    media = "application/json" if one.body else "application/x-www-form-urlencoded"
    shown = {name: {"value": value} for name, value in one.examples.items()}
    return {"required": True, "content": {media: {"schema": ref(one.body or one.form or ""), **({"examples": shown} if shown else {})}}}


def responses(path: str, one: Operation) -> Json:
    good = {one.status: one.answer, **one.also}
    found = {str(status): answer(name, one.media, tagged=one.tagged) for status, name in good.items()}
    kind = "OAuthProblem" if path.startswith("/oauth2/") else "Problem"
    return found | {str(status): {"$ref": f"#/components/responses/{kind}{status}"} for status in noes(path, one)}


def noes(path: str, one: Operation) -> list[int]:
    """What follows from a body, parameters, a name, a bearer token."""
    found = {500, *one.noes}
    found |= {400, 408, 413, 415} if one.body or one.form else {400} if one.query or one.headers else set()
    found |= {401, 503} if one.may is not None else set()
    found |= {400} if path.startswith("/v1/") and one.may is not None else set()  # a token of the right form that is none
    found |= {403} if one.may else set()
    return sorted(found | ({404} if "{" in path else set()))


def answer(name: str | None, other: str, *, tagged: bool) -> Json:
    media = {other: {"schema": {"type": "string"}}} if name is None else {"application/json": {"schema": ref(name)}}
    headers: Mapping[str, Any] = {"headers": {"ETag": {"schema": {"type": "string"}, "description": "for If-Match"}}} if tagged else {}
    return {"description": "As asked", **headers, "content": media}


def problem(status: int, kind: str) -> Json:
    media = "application/json" if kind == "OAuthProblem" else "application/problem+json"
    headers: Json = {}
    if status == 401:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
    if status in (429, 503, 504):
        headers["Retry-After"] = {"schema": {"type": "string"}, "description": "seconds, where asking again may help"}
    return {"description": PROBLEMS[status], **({"headers": headers} if headers else {}), "content": {media: {"schema": ref(kind)}}}
