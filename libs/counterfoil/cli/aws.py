"""What `credential_process` of an AWS profile reads, without typer: every start of every AWS program waits for it.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from counterfoil.cli import borrowing
from counterfoil.cli.exits import USAGE, say
from counterfoil.client.errors import CounterfoilError

LIFETIME = "1h"
"""SDKs renew 15 minutes ahead: what lives no longer than that is stale from birth."""
MEMBERS = {"AccessKeyId": "access_key_id", "SecretAccessKey": "secret_access_key", "SessionToken": "session_token"}


def serve(arguments: Sequence[str]) -> None:
    parser = borrowing.parser("counterfoil credential-process", "AWS credentials, as credential_process of a profile reads them", LIFETIME)
    parser.add_argument("connector", help="whose credential, like aws/acme")
    given = parser.parse_args(arguments)
    try:
        wanted = borrowing.wish(given.connector, given)
    except ValueError as error:
        say(f"counterfoil credential-process: {error}")
        sys.exit(USAGE)
    credential = borrowing.lent(borrowing.session(given), given.connector, wanted, lambda one: document(one.parts(), one.expires_at))
    sys.stdout.write(json.dumps(document(credential.parts(), credential.expires_at)) + "\n")


def document(parts: Mapping[str, str], expires_at: datetime) -> dict[str, object]:
    if missing := [part for part in MEMBERS.values() if not parts.get(part)]:
        raise CounterfoilError("no_aws_credential", f"what was lent has no {', '.join(missing)}", fix="name a connector that lends AWS credentials")
    times = {"Expiration": expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {"Version": 1, **{member: parts[part] for member, part in MEMBERS.items()}, **times}
