"""AWS Signature Version 4, of a POST without a query: all that STS and IAM need.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlsplit

from counterfoil.wire.secret import Secret


@dataclass(frozen=True, slots=True)
class Signer:
    key_id: str
    key: Secret
    region: str
    service: str

    def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime) -> dict[str, str]:
        """Those given, the time, and the signature over all of them, the host and the body. Good for a quarter of an hour at most."""
        stamp, place = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"), urlsplit(url)
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        signed = {"host": place.netloc, "x-amz-date": stamp, **{name.lower(): value.strip() for name, value in headers.items()}}
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        canonical = f"{method}\n{place.path or '/'}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        found = mac(self._derived(stamp[:8]), text).hex()
        authorization = f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={names}, Signature={found}"
        return {**headers, "X-Amz-Date": stamp, "Authorization": authorization}

    def _derived(self, day: str) -> bytes:
        key = b"AWS4" + self.key.reveal()
        for part in (day, self.region, self.service, "aws4_request"):
            key = mac(key, part)
        return key


def mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
