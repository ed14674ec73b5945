"""AWS's query API: a signed form goes, XML or JSON comes, as the server likes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from counterfoil_server.runtime.outbound import Outbound
from services.providers.aws.signing import Signer
from services.providers.seam import ProviderError, Refused, Unavailable, Unknown
from services.providers.web.document import Body, body
from services.providers.web.refusals import refused
from services.providers.web.talk import FORM, met, patience

UNSAID = timedelta(seconds=5)
THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"})
WORD = re.compile(r"[A-Za-z.]{1,64}")
REFUSED: Mapping[str, tuple[str, str]] = {
    "AccessDenied": ("forbidden", "AWS denies it: the role's trust policy, the root key's own policy, or a session tag or source identity"),
    "InvalidClientTokenId": ("root_refused", "AWS does not know the access key"),
    "SignatureDoesNotMatch": ("root_refused", "the secret access key is not that of the access key, or this machine's clock is wrong"),
    "MalformedPolicyDocument": ("not_granted", "AWS does not understand the session policy: an action or a resource is not one"),
    "PackedPolicyTooLarge": ("too_much", "the session policy of this wish is too large: ask for less at once"),
    "RegionDisabledException": ("region", "STS is not active in this region for the account"),
    "ValidationError": ("not_granted", "AWS refuses the wish as not valid: longer than the role's own longest session, as a rule"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Body = field(repr=False)
    retry_after: timedelta | None

    @property
    def error(self) -> str:
        found = within(self.body, "ErrorResponse", "Error") or within(self.body, "Error")
        code = str(found.get("Code", ""))
        return code if WORD.fullmatch(code) else ""

    @property
    def busy(self) -> timedelta | None:
        if self.status == 429 or self.error in THROTTLED:
            return self.retry_after or UNSAID
        return self.retry_after if self.status == 503 else None


async def ask(http: Outbound, url: str, signer: Signer, until: float, lost: type[ProviderError], form: Mapping[str, str]) -> Reply:
    content = urlencode(form).encode()
    now = datetime.now(UTC)
    place = url if url.endswith("/") else f"{url}/"
    answer = await met(http, "POST", place, until, lost, signer.headers("POST", place, FORM, content, now), content)
    return Reply(answer.status, document(answer.body), patience(answer.headers.get("retry-after"), now))


def document(raw: bytes) -> Body:
    """{} where it is neither. No document type: entities are how small XML becomes large."""
    if not raw.lstrip().startswith(b"<"):
        return body(raw)
    if b"<!" in raw:
        return {}
    try:
        root = ET.fromstring(raw)  # noqa: S314 - without a document type there are no entities
    except (ET.ParseError, ValueError, LookupError):
        return {}
    return {local(root.tag): tree(root)}


def tree(node: ET.Element, depth: int = 0) -> object:
    if len(node) == 0 or depth > 16:
        return node.text or ""
    if {local(one.tag) for one in node} == {"member"}:
        return [tree(one, depth + 1) for one in node]
    return {local(one.tag): tree(one, depth + 1) for one in node}


def local(tag: str) -> str:
    return tag.rpartition("}")[2]


def within(found: object, *path: str) -> Body:
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def result(found: Body, action: str) -> Body:
    """Ceph's RGW leaves the outer half away where it speaks JSON."""
    return within(found, f"{action}Response", f"{action}Result") or within(found, f"{action}Result")


def no(reply: Reply) -> ProviderError:
    if (wait := reply.busy) is not None:
        return Unavailable("busy", "AWS wants to be asked less often", wait)
    if reply.error in REFUSED:
        return refused(*REFUSED[reply.error])
    if 300 <= reply.status < 500:
        return Refused("said_no", f"AWS answered {reply.status}")
    return Unknown("no_token", f"AWS answered {reply.status}, and no credentials could be read")
