"""AWS Signature Version 4, for one POST of a form. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from counterfoil.wire.secret import Secret

ALGORITHM, FORM = "AWS4-HMAC-SHA256", "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True)
class Keys:
    access: str
    secret: Secret
    session: Secret | None


def signed(url: str, body: bytes, keys: Keys, region: str, service: str, now: datetime) -> dict[str, str]:
    """The headers to send with exactly this body. Host is among what is signed."""
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": FORM, "host": urlsplit(url).netloc, "x-amz-date": moment}
    if keys.session is not None:
        headers["x-amz-security-token"] = keys.session.text()
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    asked = "\n".join(("POST", urlsplit(url).path or "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join((ALGORITHM, moment, scope, hashlib.sha256(asked.encode()).hexdigest()))
    key = b"AWS4" + keys.secret.reveal()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return headers | {"authorization": f"{ALGORITHM} Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"}
