"""RFC 8693 parameters -> the wish.

What is wrong *in* a wish is the verifier's to say, so that it is audited; what is no request at all is said here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from counterfoil.contracts.exchange_requested import LARGEST_TOKEN
from counterfoil.wire import users
from counterfoil.wire.canonical import NotJson, strict_json
from counterfoil.wire.secret import Secret
from services.gateway.problems import Problem

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TOKEN_TYPES = frozenset({"urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"})
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
WHOLE = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Asking:
    """One request as it came through the door. The only place that draws a random id."""

    request_id: UUID
    token: Secret = field(repr=False)
    wish: dict[str, Any]

    @property
    def connector(self) -> str:
        return str(self.wish["connector"])


def asking(form: Mapping[str, str], base: str) -> Asking:
    if form.get("grant_type") != GRANT:
        raise Problem("unsupported_grant_type" if "grant_type" in form else "malformed_request", "grant_type has to be " + GRANT)
    if "actor_token" in form or "actor_token_type" in form:
        raise Problem("malformed_request", "actor_token is not supported: the subject asks for itself")
    if "requested_token_type" in form:
        raise Problem("unsupported_token_type", "requested_token_type is not supported: the connector decides what is lent")
    return Asking(request_id(form), subject_token(form), wish(form, base))


def request_id(form: Mapping[str, str]) -> UUID:
    text = form.get("request_id")
    if text is not None and not UUID_TEXT.fullmatch(text):
        raise Problem("malformed_request", "request_id has to be a UUID")
    return uuid4() if text is None else UUID(text)


def subject_token(form: Mapping[str, str]) -> Secret:
    if form.get("subject_token_type") not in TOKEN_TYPES:
        raise Problem("unsupported_token_type", "subject_token_type has to be one of " + ", ".join(sorted(TOKEN_TYPES)))
    token = form.get("subject_token")
    if token is None:
        raise Problem("malformed_request", "subject_token is missing")
    if len(token.encode()) > LARGEST_TOKEN:
        raise Problem("oversized", f"a token has at most {LARGEST_TOKEN} bytes")
    return Secret(token)


def wish(form: Mapping[str, str], base: str) -> dict[str, Any]:
    found: dict[str, Any] = {"connector": target(form, base)}
    if "requested_subject" in form:
        found["user"] = user(form)
    elif "requested_subject_issuer" in form:
        raise Problem("malformed_request", "requested_subject_issuer goes with requested_subject")
    if "installation" in form:
        found["installation"] = form["installation"]
    if "scope" in form:
        found["scopes"] = form["scope"].split(" ")
    if "authorization_details" in form:
        found["details"] = details(form["authorization_details"])
    if "requested_lifetime" in form:
        text = form["requested_lifetime"]
        found["lifetime"] = int(text) if WHOLE.fullmatch(text) else text
    return found


def user(form: Mapping[str, str]) -> str:
    """An end user of the app, by the id that the app knows them by: from here on only its digest."""
    try:
        return users.digest(form["requested_subject"], form.get("requested_subject_issuer"))
    except ValueError as error:
        raise Problem("malformed_request", f"requested_subject: {error}") from None


def target(form: Mapping[str, str], base: str) -> str:
    """Exactly one connector. RFC 8707 section 2, RFC 8693 section 2.1."""
    resource, audience = form.get("resource"), form.get("audience")
    if (resource is None) == (audience is None):
        raise Problem("bad_target", "exactly one of resource and audience has to be given")
    if audience is not None:
        return audience
    start = f"{base}/connectors/"
    if resource is None or not resource.startswith(start) or resource == start:
        raise Problem("bad_target", f"resource has to be {start}<name>")
    return resource.removeprefix(start)


def details(text: str) -> Any:
    """RFC 9396. What is no JSON stays the text that it was: no details at all, which the verifier says and audit records."""
    try:
        return strict_json(text.encode())
    except NotJson:
        return text
