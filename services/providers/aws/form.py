"""What AssumeRole is asked: the session, narrowed, named, and told whose it is."""

import re
from collections.abc import Mapping, Sequence

from services.providers.aws.config import Config
from services.providers.seam import Order, Refused

VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
"""Of a session tag: https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html"""


def assume(order: Order, config: Config, policy: str, seconds: int) -> dict[str, str]:
    form = {"RoleArn": config.role_arn, "RoleSessionName": str(order.credential_id), "DurationSeconds": str(seconds), "Policy": policy}
    form |= {"SourceIdentity": named} if (named := source_identity(order, config)) else {}
    form |= {"ExternalId": config.external_id} if config.external_id else {}
    pairs = [(key, filled(value, order)) for key, value in config.tagged.items()]
    form |= listed("Tags", [{".Key": key, ".Value": value} for key, value in pairs])
    return form | listed("TransitiveTagKeys", [{"": key} for key in config.transitive_tags])


def source_identity(order: Order, config: Config) -> str | None:
    match config.source_identity:
        case "credential":
            return str(order.credential_id)
        case "subject":
            return order.borrower.subject
        case None:
            return None


def filled(value: str, order: Order) -> str:
    who = order.borrower
    facts = {"project": who.project, "environment": who.environment, "subject": who.subject,
             "connector": order.connector, "credential": str(order.credential_id)}  # fmt: skip
    made = value.format_map(facts)
    if not VALUE.fullmatch(made):
        raise Refused("bad_tag", "a session tag cannot carry what this request is: AWS takes letters, digits, blanks and _.:/=+@-, 256 at most")
    return made


def listed(name: str, members: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """A list, in AWS's query API."""
    return {f"{name}.member.{number}{part}": value for number, one in enumerate(members, 1) for part, value in one.items()}
