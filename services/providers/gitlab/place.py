"""One project's or group's access tokens, as one call sees them."""

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from counterfoil_server.runtime.outbound import Answer, Outbound
from services.providers.gitlab.wish import Wish
from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown
from services.providers.web.document import Body, objects
from services.providers.web.refusals import refused
from services.providers.web.talk import limited, met

PAGE, MOST_PAGES, ROUNDS = 100, 20, 3
UNSAID = timedelta(minutes=1)
REFUSED = {
    400: ("not_granted", "GitLab refuses the wish: a scope or the role is more than the root token's owner may give"),
    401: ("root_refused", "GitLab does not accept the root token: it is wrong, expired or revoked"),
    403: ("forbidden", "GitLab forbids it: the root token needs the scope api, and its owner the place"),
    404: ("no_such_place", "GitLab knows no such project or group, or does not show it to the root token's owner"),
}


@dataclass(frozen=True, slots=True)
class Place:
    http: Outbound = field(repr=False)
    url: str
    token: str = field(repr=False)
    until: float

    async def make(self, name: str, asked: Wish, day: date) -> Answer:
        wanted = {"name": name, "scopes": asked.scopes, "access_level": asked.level, "expires_at": day.isoformat()}
        return await self._ask("POST", "", Unknown, json.dumps(wanted).encode())

    async def end(self, name: str, known: int | None) -> bool:
        """By its name: a token that may rotate itself has another id by now. Over when the list, read again, has it no more. False: it never had."""
        ended = known is not None and await self._delete(known)
        for _ in range(ROUNDS):
            found = [one for one in await self.listed(name) if one.get("name") == name]
            if not found:
                return ended
            for one in found:
                ended = await self._delete(one.get("id")) or ended
        raise Unavailable("still_alive", "GitLab said that it revoked the token, and it is still on its list")

    async def listed(self, search: str) -> list[Body]:
        """Those that are alive. Older servers know neither `state` nor `search`, and list everything."""
        found: list[Body] = []
        for page in range(1, MOST_PAGES + 1):
            query = urlencode({"state": "active", "search": search, "per_page": PAGE, "page": page})
            answer = await self._ask("GET", f"?{query}", Unavailable)
            some = objects(answer.body)
            if answer.status != 200 or some is None:
                raise unclear("not_listed", answer)
            found += [one for one in some if one.get("revoked") is not True and one.get("active") is not False]
            if len(some) < PAGE:
                return found
        raise Unavailable("too_many", f"more than {PAGE * MOST_PAGES} tokens are on GitLab's list")

    async def _delete(self, number: object) -> bool:
        """Whether there was one."""
        answer = await self._ask("DELETE", f"/{number:d}" if isinstance(number, int) else "/0", Unavailable)
        if answer.status not in {204, 404}:
            raise unclear("not_revoked", answer)
        return answer.status == 204

    async def _ask(self, method: str, rest: str, lost: type[ProviderError], content: bytes | None = None) -> Answer:
        headers = {"PRIVATE-TOKEN": self.token, **({"Content-Type": "application/json"} if content else {})}
        return await met(self.http, method, self.url + rest, self.until, lost, headers, content)


def unclear(code: str, answer: Answer) -> ProviderError:
    if answer.status == 401:
        return RootRefused(code, REFUSED[401][1])
    return Unavailable(code, f"GitLab answered {answer.status}", limited(answer, UNSAID))


def no(answer: Answer) -> ProviderError:
    """Of a request for a token that brought none. Its own words go nowhere."""
    if (wait := limited(answer, UNSAID)) is not None:
        return Unavailable("busy", "GitLab wants to be left alone for a while", wait)
    if answer.status in REFUSED:
        return refused(*REFUSED[answer.status])
    if 300 <= answer.status < 500:
        return Refused("said_no", f"GitLab answered {answer.status}: check `api` of the connector")
    return Unknown("no_token", f"GitLab answered {answer.status}, and no token could be read")
