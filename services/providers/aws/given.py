"""What STS says it gave. It does not repeat the session policy; that it took one is seen by the size that it says it has packed."""

from datetime import UTC, datetime, timedelta

from services.providers.aws.config import Config
from services.providers.aws.form import source_identity
from services.providers.aws.query import result, within
from services.providers.seam import Handle, Minted, Order, answer
from services.providers.web.document import Body
from services.providers.web.header import printable

SLACK = timedelta(minutes=2)
PARTS = ("AccessKeyId", "SecretAccessKey", "SessionToken")


def credentials(body: Body) -> tuple[str, str, str] | None:
    found = within(result(body, "AssumeRole"), "Credentials")
    parts = [found.get(name) for name in PARTS]
    key, secret, token = (one if isinstance(one, str) else "" for one in parts)
    return (key, secret, token) if token else None


def lent(order: Order, config: Config, status: int, body: Body, latest: datetime) -> Minted:
    said = result(body, "AssumeRole")
    key, secret, token = credentials(body) or ("", "", "")
    ends = expiry(within(said, "Credentials").get("Expiration"))
    handle: Handle = {"role": config.role_arn, "session": str(order.credential_id), "until": ends.isoformat() if ends else None}
    parts = {"access_key_id": key, "secret_access_key": secret, "session_token": token, "region": config.region}
    over = min(order.expires_at, ends) if ends else order.expires_at
    why = amiss(order, config, status, body, ends, latest)
    return Minted(answer(token, "N_A", **parts), "N_A", handle, order.scopes, order.details, over, amiss=why)


def amiss(order: Order, config: Config, status: int, body: Body, ends: datetime | None, latest: datetime) -> str:
    """Empty where it can be handed over."""
    said, name = result(body, "AssumeRole"), str(order.credential_id)
    who = within(said, "AssumedRoleUser")
    identifier = who.get("AssumedRoleId", who.get("AssumeRoleId"))  # the second is how Ceph's RGW spells it
    account = config.role_arn.split(":")[4]
    if status != 200:
        return f"AWS answered {status}, and gave credentials beside it"
    if not all(printable(one) for one in credentials(body) or ("",)):
        return "AWS gave credentials that no header can carry"
    if not str(identifier).endswith(f":{name}") or not str(who.get("Arn")).endswith(f"::{account}:assumed-role/{config.role}/{name}"):
        return "AWS gave a session of another name or role, and by its name it is ended"
    if (wanted := source_identity(order, config)) and said.get("SourceIdentity") != wanted:
        return "AWS did not set the source identity that was asked"
    if not str(said.get("PackedPolicySize", "")).isdigit():
        return "AWS does not show that it took the session policy"
    if ends is None or ends > latest + SLACK:
        return "AWS's session lives longer than was asked, or it is not said how long"
    return ""


def expiry(said: object) -> datetime | None:
    """A text in XML, seconds in JSON."""
    try:
        if isinstance(said, int | float) and not isinstance(said, bool):
            return datetime.fromtimestamp(said, UTC)
        ends = datetime.fromisoformat(said) if isinstance(said, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return ends if ends and ends.tzinfo else None
