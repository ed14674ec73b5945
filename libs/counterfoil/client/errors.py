"""What a no looks like to a caller, over HTTP and over the bus alike.

CounterfoilError      code, message, fix, docs_url, retryable, request_id, trace_id, stage
├── NoIdentity        no OIDC token was found; the fix lists every source that was tried
├── Rejected          the token or the wish was not accepted
├── Denied            policy said no
├── ConsentRequired   a person has to agree first, at `url`
├── NotFound          no such connector or credential
├── InstallationRequired  the connector has to be installed for this tenant first, at `url`
├── Refused           the provider, or mint itself, said no
├── Unavailable       something was late or away; `answered` is False where it is not known what became of the request
├── RateLimited       too many; again after `retry_after` seconds
├── Revoked           it was revoked before it was handed over
├── Unproven          an answer came, and its receipt does not hold
└── Unsupported       this cannot be asked for, or not used in this way; nothing was sent
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from counterfoil.client.ambient.chain import Tried
    from counterfoil.client.credential import Receipt


class CounterfoilError(Exception):
    usual_fix = "run `counterfoil doctor`"

    def __init__(
        self, code: str, message: str, *, fix: str = "", docs_url: str | None = None, retryable: bool = False, request_id: str | None = None,
        trace_id: str | None = None, stage: str | None = None, receipt: "Receipt | None" = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fix = fix or self.usual_fix
        self.docs_url = docs_url
        self.retryable = retryable
        self.request_id = request_id
        self.trace_id = trace_id
        self.stage = stage
        self.receipt = receipt
        self.retry_after: float | None = None
        """Seconds, where the answer named them: no retry comes earlier."""
        self.answered = True
        self.unverified_receipt: object = None
        """As it came over HTTP, before anybody has looked at it."""
        self.extra: Mapping[str, Any] = {}
        """What else the caller may know: what was beyond the ceiling, the nearest grant, the rule."""


class NoIdentity(CounterfoilError):
    usual_fix = "set COUNTERFOIL_ID_TOKEN or COUNTERFOIL_ID_TOKEN_FILE"
    tried: "tuple[Tried, ...]" = ()
    """Each source of the chain, and why it gave no token."""


class Rejected(CounterfoilError):
    usual_fix = "`counterfoil whoami` shows the token's claims: issuer, audience and times must be what this exchange expects"


class Denied(CounterfoilError):
    usual_fix = "ask for less, or ask an operator to link the connector to your project and environment"


class ConsentRequired(CounterfoilError):
    usual_fix = "open the url and agree, then ask again"
    url: str | None = None


class NotFound(CounterfoilError):
    usual_fix = "check the name"


class InstallationRequired(CounterfoilError):
    usual_fix = "open the url and install the connector there, or name another installation"
    url: str | None = None


class Refused(CounterfoilError):
    usual_fix = "ask an operator: `counterfoil audit tail` has the provider's reason"


class Unavailable(CounterfoilError):
    usual_fix = "ask again; if it goes on, run `counterfoil doctor`"


class RateLimited(CounterfoilError):
    usual_fix = "ask again after `retry_after` seconds, and keep credentials for as long as they live: get_token does"


class Revoked(CounterfoilError):
    usual_fix = "ask an operator why: `counterfoil audit tail` has who and when"


class Unproven(CounterfoilError):
    usual_fix = "do not use it: check that url and log key belong to the same exchange, and tell its operator"


class Unsupported(CounterfoilError):
    usual_fix = "see the message"


CODES: dict[str, type[CounterfoilError]] = {
    **dict.fromkeys((
        "bad_deadline", "unsealable", "oversized", "malformed", "malformed_wish", "bad_header", "algorithm", "unknown_issuer", "bad_key",
        "bad_signature", "wrong_audience", "expired", "not_yet_valid", "too_old", "too_long", "bad_claims", "unmapped", "replayed",
    ), Rejected),
    **dict.fromkeys(("denied", "no_link", "beyond_ceiling", "forbidden", "policy_error"), Denied),
    "consent_required": ConsentRequired,
    "installation_required": InstallationRequired,
    **dict.fromkeys(("not_found", "unknown_connector"), NotFound),
    **dict.fromkeys((
        "request_id_reused", "evidence_mismatch", "beyond_evidence", "provider_refused", "provider_unknown", "gave_more", "superseded",
    ), Refused),
    **dict.fromkeys((
        "late", "unknown_key", "issuer_unavailable", "registry_unavailable", "in_progress", "already_answered", "stale_decision",
        "audit_unavailable", "provider_unavailable", "clock_skew",
    ), Unavailable),
    "rate_limited": RateLimited,
    "limited": RateLimited,
    "revoked": Revoked,
}  # fmt: skip
"""The one table: what each code of the facts is called here."""

AGAIN = frozenset({"expired", "rate_limited", "limited"}) | {code for code, kind in CODES.items() if kind is Unavailable}
"""Where asking again can help; a document's own `retryable` goes before."""

OAUTH = {"invalid_target": Denied, "invalid_scope": Denied, "invalid_request": Rejected, "invalid_client": Rejected, "invalid_token": Rejected,
         "temporarily_unavailable": Unavailable}  # fmt: skip
STATUS = {400: Rejected, 401: Rejected, 403: Denied, 404: NotFound, 409: Refused, 429: RateLimited, 502: Refused, 503: Unavailable,
          504: Unavailable}  # fmt: skip
"""Only for codes that the table does not know: a newer gateway's."""

FOREVER = 1e9
EXTRA = ("detail", "rule", "beyond", "beyond_details", "beyond_lifetime", "nearest")


def from_problem(
    problem: Mapping[str, Any], status: int | None = None, *, receipt: "Receipt | None" = None, known: Mapping[str, str] | None = None
) -> CounterfoilError:
    """The error that a problem document (RFC 9457) speaks of. `known`: request_id and trace_id, where the document has none."""
    oauth, code = problem.get("error"), problem.get("code")
    name = code if isinstance(code, str) else oauth if isinstance(oauth, str) else f"http_{status}"
    kind = CODES.get(name) or OAUTH.get(str(oauth)) or STATUS.get(status or 0) or CounterfoilError
    again = problem.get("retryable")
    text = {member: _text(problem.get(member)) or (known or {}).get(member) for member in ("docs_url", "request_id", "trace_id", "stage")}
    error = kind(
        name, _text(problem.get("message")) or _text(problem.get("detail")) or _text(problem.get("title")) or name.replace("_", " "),
        fix=_text(problem.get("fix")) or "", retryable=again if isinstance(again, bool) else name in AGAIN or kind in (Unavailable, RateLimited),
        receipt=receipt, **text,
    )  # fmt: skip
    error.extra = {member: problem[member] for member in EXTRA if problem.get(member) and problem[member] != error.message}
    error.unverified_receipt = problem.get("receipt")
    error.retry_after = _seconds(problem.get("retry_after"))
    if isinstance(error, ConsentRequired | InstallationRequired):
        error.url = _text(problem.get("url"))
    return error


def unanswered(code: str, message: str, **about: str | None) -> Unavailable:
    """Nothing came back: the same request may be sent again, and no other."""
    error = Unavailable(code, message, retryable=True, fix=about.get("fix") or "", request_id=about.get("request_id"), trace_id=about.get("trace_id"))
    error.answered = False
    return error


def _seconds(value: object) -> float | None:
    """A number from outside: nothing that would make a pause endless, or no pause."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < FOREVER
    return float(value) if good else None  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
