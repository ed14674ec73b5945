"""AWS: STS says who we are in a token of the account's own issuer. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from counterfoil.client.ambient import aws_keys
from counterfoil.client.ambient.asking import reply
from counterfoil.client.ambient.sigv4 import signed
from counterfoil.client.ambient.source import Around, Failed, Source, unset
from counterfoil.wire.secret import Secret

if TYPE_CHECKING:
    import httpx

WHERE = ("AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", aws_keys.RELATIVE, aws_keys.FULL)
ENDPOINT = "AWS_ENDPOINT_URL_STS"
LIFETIME = 300
FIXES = {
    "OutboundWebIdentityFederationDisabled": "an administrator turns it on once per account: aws iam enable-outbound-web-identity-federation",
    "AccessDenied": "allow the role `sts:GetWebIdentityToken` for this audience (condition key sts:IdentityTokenAudience)",
    "ExpiredToken": "the keys in the environment have expired: renew them, or unset them",
}


def missing(around: Around) -> str | None:
    vendor, xen = around.line("/sys/class/dmi/id/sys_vendor"), around.line("/sys/hypervisor/uuid")
    if vendor == "Amazon EC2" or xen.lower().startswith("ec2") or unset(around, *WHERE) is None:
        return None
    return f"not a machine of Amazon's, and {unset(around, *WHERE)}"


async def token(around: Around, audience: str) -> Secret:
    keys, region = await aws_keys.keys(around), await aws_keys.region(around)
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    if not re.fullmatch(r"[a-z0-9-]{1,32}", region):
        raise Failed("AWS_REGION is no region", "set AWS_REGION: STS gives tokens at its regional endpoints only")
    url = (around.env.get(ENDPOINT) or f"https://sts.{region}.{suffix}").rstrip("/") + "/"
    asked = {
        "Action": "GetWebIdentityToken", "Version": "2011-06-15", "Audience.member.1": audience, "DurationSeconds": str(LIFETIME),
        "SigningAlgorithm": "RS256",
    }  # fmt: skip
    body = urlencode(asked).encode()
    response = await reply(around, "POST", url, what="AWS STS", headers=signed(url, body, keys, region, "sts", datetime.now(UTC)), content=body)
    return Secret(read(response))


def read(response: "httpx.Response") -> str:
    """Two elements of a small XML document whose texts need no unescaping: nothing here parses XML from a network."""
    if response.is_success and (found := re.search(r"<WebIdentityToken>([A-Za-z0-9_.\-]+)</WebIdentityToken>", response.text)):
        return found[1]
    code = re.search(r"<Code>([A-Za-z.]{1,64})</Code>", response.text)
    said = f"HTTP {response.status_code}{f' {code[1]}' if code else ''}"
    fix = next((fix for start, fix in FIXES.items() if code and code[1].startswith(start)), "look it up: GetWebIdentityToken in the STS reference")
    raise Failed(f"AWS STS answered {said}", fix)


SOURCES = (Source("AWS", missing, token),)
