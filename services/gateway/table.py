"""The one table: what each *no* becomes at the OAuth doors (RFC 6749, RFC 8693) and at /v1, what it is called and what to do."""

from collections.abc import Mapping
from typing import NamedTuple

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified

RETRYABLE = exchange_verified.RETRYABLE | exchange_authorized.RETRYABLE | exchange_minted.RETRYABLE | {"unavailable", "slow_body"}
STAGES = {"identity.rejected": "verify", "grant.denied": "authorize", "mint.refused": "mint", "credential.minted": "audit"}


class Row(NamedTuple):
    """`status` and `error` are the OAuth doors', `v1` is the status everywhere else."""

    codes: str
    status: int
    error: str
    v1: int
    title: str
    fix: str


GRANT = "Send grant_type=urn:ietf:params:oauth:grant-type:token-exchange."
TARGET = "Name a connector as `audience`, or as `resource` its URL under this installation."
NEW_ID = "Ask again, with a new request_id."
FRESH = "Get a fresh token from your platform, for this installation's audience."
LATER = "Wait a moment and ask again."
OPERATOR = "Ask an operator of this installation."
WISH = "Correct the request: the message says where."
BEARER = "Send `Authorization: Bearer <OIDC token>`."
UNPROVEN = (
    "unsealable oversized malformed bad_header algorithm unknown_issuer bad_key bad_signature wrong_audience not_yet_valid too_old too_long "
    "bad_claims unmapped unknown_key expired"
)
BAD_MINT = "provider_refused provider_unknown gave_more evidence_mismatch beyond_evidence superseded"

ROWS = (
    # of this process, before anything was asked
    Row("malformed_request", 400, "invalid_request", 400, "The request cannot be read", WISH),
    Row("unsupported_grant_type", 400, "unsupported_grant_type", 400, "This door exchanges tokens only", GRANT),
    Row("unsupported_token_type", 400, "invalid_request", 400, "This token type is not taken here", WISH),
    Row("unsupported_media_type", 415, "invalid_request", 415, "The body has the wrong media type", WISH),
    Row("body_too_large", 413, "invalid_request", 413, "The body is too large", "Send less."),
    Row("slow_body", 408, "invalid_request", 408, "The body did not arrive in time", LATER),
    Row("bad_target", 400, "invalid_target", 400, "The target is no connector of this installation", TARGET),
    Row("not_found", 404, "invalid_request", 404, "There is nothing here by that name", "Check the name."),
    Row(
        "beyond_log",
        404,
        "invalid_request",
        404,
        "The log is not that long",
        "Ask for what a checkpoint covers: /v1/audit/checkpoint has the newest.",
    ),
    Row("no_bundle", 404, "invalid_request", 404, "These leaves fit into no entry bundle", "Read them at /v1/audit/leaves."),
    Row("method_not_allowed", 405, "invalid_request", 405, "This method is not for this address", "See the documentation."),
    Row("bad_change", 400, "invalid_request", 400, "The registry does not take this change", WISH),
    Row("version_conflict", 409, "invalid_request", 409, "A secret of this version is there already", "Seal it again as the next version."),
    Row("conflict", 409, "invalid_request", 409, "What is there does not allow this", "Read what is there, then try again."),
    Row("precondition_failed", 412, "invalid_request", 412, "It is not what you saw", "Read it again, and send If-Match with its ETag."),
    Row("unauthenticated", 401, "invalid_client", 401, "There is no bearer token", BEARER),
    Row("not_allowed", 403, "unauthorized_client", 403, "This identity may not do that", OPERATOR),
    Row("internal", 500, "server_error", 500, "Something went wrong here", "Tell an operator the trace_id, if there is one."),
    Row("unavailable registry_unavailable", 503, "temporarily_unavailable", 503, "A part that this needs is away", LATER),
    # rejected
    Row(UNPROVEN, 400, "invalid_request", 401, "The identity was rejected", FRESH),
    Row("malformed_wish bad_deadline", 400, "invalid_request", 400, "The wish was rejected", WISH),
    Row("issuer_unavailable", 503, "temporarily_unavailable", 503, "The issuer's keys cannot be had now", LATER),
    # denied
    Row("denied no_link forbidden policy_error unknown_connector", 400, "invalid_target", 403, "The grant was denied", OPERATOR),
    Row("beyond_ceiling", 400, "invalid_scope", 403, "The wish goes beyond the ceiling", "Ask for what the ceiling allows."),
    # refused
    Row("request_id_reused", 502, "server_error", 409, "This request_id was used for another wish", NEW_ID),
    Row("already_answered", 502, "temporarily_unavailable", 409, "This request_id was answered before", NEW_ID),
    Row("replayed", 502, "server_error", 409, "This token was used before, and its issuer allows one use", FRESH),
    Row("revoked", 502, "server_error", 409, "The connector or this caller is stopped", OPERATOR),
    Row("in_progress", 503, "temporarily_unavailable", 409, "An earlier request with this request_id is on its way", LATER),
    Row("stale_decision audit_unavailable clock_skew", 503, "temporarily_unavailable", 503, "Nothing is minted at this moment", LATER),
    Row("limited", 429, "temporarily_unavailable", 429, "A limit was reached", "Ask again after `retry_after` seconds."),
    Row("consent_required", 400, "consent_required", 403, "The user has to agree first", "Send them to `url`, and ask again when they are back."),
    Row("provider_unavailable", 502, "temporarily_unavailable", 502, "The provider is away", LATER),
    Row(BAD_MINT, 502, "server_error", 502, "The mint was refused", OPERATOR),
    # late
    Row("late", 504, "temporarily_unavailable", 504, "There was no answer in time", NEW_ID),
)
TABLE: Mapping[str, Row] = {code: row for row in ROWS for code in row.codes.split()}
