"""The AWS keys of where we run: environment, container, machine (IMDSv2), in the order of AWS's own SDKs.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from counterfoil.client.ambient.asking import answer, member
from counterfoil.client.ambient.sigv4 import Keys
from counterfoil.client.ambient.source import Around, Failed, from_file
from counterfoil.wire.secret import Secret

RELATIVE, FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
CONTAINER_HOST = "http://169.254.170.2"
CONTAINER_HOSTS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
"""ECS, and EKS Pod Identity: the only ones, beside this machine, that keys are asked of in clear."""
MACHINE, MACHINE_URL = "http://169.254.169.254", "AWS_EC2_METADATA_SERVICE_ENDPOINT"
ROLE = "attach an IAM role to this task, pod or machine"


async def keys(around: Around) -> Keys:
    env = around.env
    if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
        session = env.get("AWS_SESSION_TOKEN")
        return Keys(env["AWS_ACCESS_KEY_ID"], Secret(env["AWS_SECRET_ACCESS_KEY"]), Secret(session) if session else None)
    if env.get(RELATIVE) or env.get(FULL):
        return await of_container(around)
    return await of_machine(around)


async def of_container(around: Around) -> Keys:
    url = CONTAINER_HOST + around.env[RELATIVE] if around.env.get(RELATIVE) else around.env[FULL]
    parts = urlsplit(url)
    if parts.scheme != "https" and not trusted(parts.hostname or ""):
        raise Failed(f"{FULL} is plain http to another machine", "use https, or the address of ECS or EKS")
    return await read(around, url, "the container's credential endpoint", bearer(around))


def bearer(around: Around) -> dict[str, str]:
    file, text = (around.env.get(f"AWS_CONTAINER_AUTHORIZATION_TOKEN{end}") for end in ("_FILE", ""))
    if file:
        path = around.root / file.lstrip("/")
        text = from_file(path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "is the pod's identity association complete?").strip()
    return {"Authorization": text} if text else {}


def trusted(host: str) -> bool:
    try:
        return host in CONTAINER_HOSTS or host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def of_machine(around: Around) -> Keys:
    session = await machine_session(around)
    path = "/latest/meta-data/iam/security-credentials/"
    role = (await machine(around, path, session)).splitlines()
    if not role:
        raise Failed("this machine has no role", ROLE)
    return await read(around, machine_url(around) + path + role[0].strip(), "the machine's metadata service", session)


async def machine_session(around: Around) -> dict[str, str]:
    """IMDSv2 only: a request that somebody else can make us send gets no session."""
    if around.env.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        raise Failed("no keys in the environment, and AWS_EC2_METADATA_DISABLED is set", "unset it, or give the keys of a role")
    what, fix = "the machine's metadata service", "in a container, set the hop limit to 2: aws ec2 modify-instance-metadata-options"
    headers = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    response = await answer(around, "PUT", f"{machine_url(around)}/latest/api/token", what=what, fix=fix, near=True, headers=headers)
    return {"X-aws-ec2-metadata-token": response.text}


async def machine(around: Around, path: str, session: Mapping[str, str]) -> str:
    what = "the machine's metadata service"
    return (await answer(around, "GET", machine_url(around) + path, what=what, fix=ROLE, near=True, headers=session)).text


async def region(around: Around) -> str:
    found = around.env.get("AWS_REGION") or around.env.get("AWS_DEFAULT_REGION")
    return found or (await machine(around, "/latest/meta-data/placement/region", await machine_session(around))).strip()


async def read(around: Around, url: str, what: str, headers: Mapping[str, str]) -> Keys:
    response = await answer(around, "GET", url, what=what, fix=ROLE, near=True, headers=headers)
    access, secret, session = (member(response, name, what) for name in ("AccessKeyId", "SecretAccessKey", "Token"))
    return Keys(access, Secret(secret), Secret(session))


def machine_url(around: Around) -> str:
    return (around.env.get(MACHINE_URL) or MACHINE).rstrip("/")
