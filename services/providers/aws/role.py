"""A role in IAM, and the inline policies on it that end sessions: of one by its name, of all by the time that they were given."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from uuid import UUID

from services.providers.aws.query import REFUSED, Reply, result
from services.providers.seam import ProviderError, RootRefused, Unavailable
from services.providers.web.refusals import ROOT_REFUSED

PREFIX, HOUR = "counterfoil-", "%Y%m%d%H"
"""A policy's name begins with the hour in which what it denies is over by itself."""


@dataclass(frozen=True, slots=True)
class Denial:
    name: str
    document: str
    tells: str
    """What stands in this document alone."""


def of_session(session: UUID, ends: datetime) -> Denial:
    return denial(f"{ends.astimezone(UTC):{HOUR}}-{session}", "StringLike", "aws:userid", f"*:{session}")


def of_earlier(now: datetime, longest: timedelta) -> Denial:
    """Of every session until now. AWS tells a session's time in whole seconds: those of this very one are earlier than the next."""
    before = (now + timedelta(seconds=1)).astimezone(UTC)
    return denial(f"{before + longest:{HOUR}}-earlier", "DateLessThan", "aws:TokenIssueTime", f"{before:%Y-%m-%dT%H:%M:%SZ}")


def denial(name: str, operator: str, key: str, value: str) -> Denial:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {operator: {key: value}}}
    return Denial(PREFIX + name, json.dumps({"Version": "2012-10-17", "Statement": statement}, separators=(",", ":")), value)


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    ask: Callable[..., Awaitable[Reply]] = field(repr=False)

    async def deny(self, denial: Denial) -> None:
        """A policy each: two that are put at once do not overwrite each other. Over when IAM shows it; it spreads in seconds."""
        about = {"RoleName": self.name, "PolicyName": denial.name}
        put = await self.ask(Action="PutRolePolicy", PolicyDocument=denial.document, **about)
        if put.status != 200 or put.error:
            raise unclear("no_room" if put.error == "LimitExceeded" else "not_revoked", put)
        shown = await self.ask(Action="GetRolePolicy", **about)
        found = result(shown.body, "GetRolePolicy")
        if shown.status != 200 or found.get("PolicyName") != denial.name or denial.tells not in unquote(str(found.get("PolicyDocument"))):
            raise unclear("not_proven", shown)

    async def sweep(self, now: datetime) -> int:
        """Policies against what is over by itself; how many."""
        listed = await self.ask(Action="ListRolePolicies", RoleName=self.name, MaxItems="1000")
        names = result(listed.body, "ListRolePolicies").get("PolicyNames")
        if listed.status != 200 or listed.error:
            raise unclear("not_listed", listed)
        last = f"{PREFIX}{now.astimezone(UTC) - timedelta(hours=1):{HOUR}}"
        ours = [one for one in names if isinstance(one, str) and one.startswith(PREFIX)] if isinstance(names, list) else []
        over = [one for one in ours if one[: len(last)] < last]
        for one in over:
            await self.ask(Action="DeleteRolePolicy", RoleName=self.name, PolicyName=one)
        return len(over)


def unclear(code: str, reply: Reply) -> ProviderError:
    if REFUSED.get(reply.error, ("",))[0] == ROOT_REFUSED:
        return RootRefused(code, REFUSED[reply.error][1])
    return Unavailable(code, f"IAM answered {reply.status}", reply.busy)
