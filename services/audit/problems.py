"""The wording of every no: what happened, what to do about it, and whether asking again can help."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified

UNIFORM = "denied"
"""The one code for callers who may not know why; "no such connector" and "not for you" look the same to them."""


class Wording(NamedTuple):
    message: str
    fix: str


LATE = Wording("The deadline passed before this request was decided.", "Ask again with a new request_id, and a later deadline if this repeats.")
STALE = Wording("The service had no confirmed registry.", "Ask again in a few seconds.")
KEY = "Fetch /.well-known/counterfoil again and repeat with the new key."
MINT_NEW = "Get a new token from your platform and ask again."
ISSUER = "Ask the operator to check the issuer's entry: `counterfoil apply --dry-run` shows it."

REJECTED: Mapping[str, Wording] = {
    "late": LATE,
    "bad_deadline": Wording("The deadline is more than 60 seconds ahead.", "Set a deadline at most 60 seconds ahead; check this machine's clock."),
    "unsealable": Wording("The sealed token does not open, or is not bound to this request.", "Seal the token to exactly the bytes you send."),
    "unknown_key": Wording("The token is sealed to a key that the verifier does not have.", KEY),
    "oversized": Wording("The token or the wish is larger than 16 KiB.", "Ask for less in one request, or use a token with fewer claims."),
    "malformed": Wording("The token is not a well-formed JWT.", "Send the OIDC token as the platform issued it."),
    "malformed_wish": Wording("The wish has an unknown member or a wrong type.", "Correct the wish; `detail` says where it is wrong."),
    "bad_header": Wording("The token's header is not acceptable.", "Use an OIDC token, not an access token or a token of another type."),
    "algorithm": Wording("The token is signed with an algorithm that its issuer may not use here.", ISSUER),
    "unknown_issuer": Wording("No registered issuer has this `iss`.", "Ask an operator to register the issuer: `counterfoil apply`."),
    "bad_key": Wording("The issuer's key cannot be used to check this token.", ISSUER),
    "bad_signature": Wording("The token's signature is wrong.", MINT_NEW),
    "wrong_audience": Wording("The token was issued for another audience.", "Get a token whose `aud` is this installation's URL."),
    "expired": Wording("The token has expired.", MINT_NEW),
    "not_yet_valid": Wording("The token is not valid yet.", "Check the clocks of this machine and of the issuer."),
    "too_old": Wording("The token was issued too long ago.", MINT_NEW),
    "too_long": Wording("The token lives longer than its issuer's entry allows.", "Have the issuer give shorter tokens, or raise max_lifetime."),
    "bad_claims": Wording("A claim is missing, of the wrong type, or not as pinned.", ISSUER),
    "unmapped": Wording("The token's claims map to no project and environment.", ISSUER),
    "issuer_unavailable": Wording("The issuer's keys could not be fetched.", "Ask again; if this repeats, check that the issuer can be reached."),
    "registry_unavailable": STALE,
}
DENIED: Mapping[str, Wording] = {
    "late": LATE,
    "no_link": Wording("This project and environment have no link to the connector.", "Ask an operator for a link, or check the connector's name."),
    "beyond_ceiling": Wording("The wish goes beyond the link's ceiling.", "Ask for what `nearest` shows, or have the ceiling raised."),
    "forbidden": Wording("A policy forbids this.", "`rule` names the policy; ask an operator about it."),
    "policy_error": Wording("A policy could not be evaluated, and so nothing is permitted.", "Ask an operator to correct the policy in `rule`."),
    "registry_unavailable": STALE,
}
NEW_ID = "Ask again with a new request_id."
REFUSED: Mapping[str, Wording] = {
    "late": LATE,
    "request_id_reused": Wording("This request_id was used with another wish.", "Give every new wish a new request_id."),
    "in_progress": Wording("The same wish under this request_id is being worked on.", "Wait for its answer, or ask again shortly."),
    "already_answered": Wording("This request_id was answered already; what was minted for it is revoked.", NEW_ID),
    "replayed": Wording("This token may be used once, and another request used it.", MINT_NEW),
    "revoked": Wording("The connector is fenced, or what you are is blocked.", "Ask an operator: `counterfoil lift` shows what is fenced."),
    "stale_decision": Wording("The registry changed after this was decided.", NEW_ID),
    "audit_unavailable": Wording("The audit log cannot be written, and so nothing is minted.", "Ask again in a few seconds."),
    "evidence_mismatch": Wording(
        "The decision does not rest on this request's identity.", "Tell an operator: this points to a broken service or key."
    ),
    "beyond_evidence": Wording("The decision grants more than was asked.", "Tell an operator: this points to a broken service or key."),
    "unknown_connector": Wording("There is no such connector.", "Check the connector's name."),
    "consent_required": Wording("The user has to agree first.", "Send them to `url`, and ask again when they are back."),
    "provider_refused": Wording("The provider refused.", "Ask an operator to check the connector's secret and its rights at the provider."),
    "provider_unavailable": Wording("The provider could not be reached; nothing was made there.", NEW_ID),
    "provider_unknown": Wording("The provider did not answer; whatever it made is being revoked.", NEW_ID),
    "gave_more": Wording("The provider gave more than was granted, and it was revoked.", "Ask an operator to narrow the connector's root secret."),
    "superseded": Wording("Another attempt at this request took over.", NEW_ID),
    "limited": Wording("A limit was reached.", "Ask again after `retry_after` seconds, or give back what is no longer needed."),
    "clock_skew": Wording("The clocks of this installation and the provider differ too much.", "Ask an operator to check the clocks."),
}
REVOKED = Wording("The credential was revoked before it was handed over.", "Ask an operator why; once it is lifted, ask again with a new request_id.")
DENIAL = Wording("This request is denied.", "Check the connector's name, or ask an operator for access.")

TABLES: Mapping[str, tuple[str, Mapping[str, Wording], frozenset[str]]] = {
    "identity.rejected": ("verify", REJECTED, exchange_verified.RETRYABLE),
    "grant.denied": ("authorize", DENIED, exchange_authorized.RETRYABLE),
    "mint.refused": ("mint", REFUSED, exchange_minted.RETRYABLE),
}
FOR_THE_ENTITLED = ("retry_after", "rule", "beyond", "beyond_details", "beyond_lifetime", "nearest")


def about(fact: Mapping[str, Any]) -> dict[str, object]:
    """The problem in a fact that says no, for a caller who may read it."""
    stage, table, retryable = TABLES[fact["kind"]]
    said = _problem(fact["code"], table[fact["code"]], stage=stage, retryable=fact["code"] in retryable)
    extra = {"detail": fact.get("message")} | {name: fact.get(name) for name in FOR_THE_ENTITLED}
    return said | {name: value for name, value in extra.items() if value}


def denied() -> dict[str, object]:
    """For a caller who may not."""
    return _problem(UNIFORM, DENIAL, stage="authorize", retryable=False)


def revoked() -> dict[str, object]:
    return _problem("revoked", REVOKED, stage="audit", retryable=False)


def _problem(code: str, wording: Wording, *, stage: str, retryable: bool) -> dict[str, object]:
    return {"code": code, "message": wording.message, "fix": wording.fix, "stage": stage, "retryable": retryable}
