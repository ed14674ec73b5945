"""One namespace of a cluster, as one call sees it: secrets that hold nothing, and tokens that are bound to them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from counterfoil_server.runtime.outbound import Answer, Outbound
from services.providers.kubernetes.given import member
from services.providers.seam import AlreadyThere, ProviderError, Refused, RootRefused, Unavailable, Unknown
from services.providers.web.document import Body, body
from services.providers.web.refusals import refused
from services.providers.web.talk import limited, met

LABEL, OURS = "app.kubernetes.io/managed-by", "counterfoil"
PAGE, MOST_PAGES = 500, 20
UNSAID = timedelta(seconds=1)
REFUSED = {
    401: ("root_refused", "the cluster does not accept the root token"),
    403: ("forbidden", "the cluster forbids it: the root token's account lacks a right, or a quota is used up"),
    404: ("no_such_account", "the cluster knows no such namespace or service account"),
    422: ("not_granted", "the cluster refuses the wish as not valid"),
}


@dataclass(frozen=True, slots=True)
class Cluster:
    http: Outbound = field(repr=False)
    url: str
    """Of the namespace."""
    token: str = field(repr=False)
    until: float

    async def bind(self, name: str) -> str:
        """An object to die with; its uid. It opens nothing by itself, so an answer that is lost has given nothing away."""
        wanted = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "counterfoil/lent",
            "immutable": True,
            "metadata": {"name": name, "labels": {LABEL: OURS}},
        }
        answer = await self._ask("POST", "/secrets", Unknown, wanted)
        uid = member(body(answer.body), "metadata").get("uid")
        if answer.status == 409:
            raise AlreadyThere("already_there", "an object of this credential's name is there")
        if answer.status != 201 or not isinstance(uid, str):
            raise no(answer)
        return uid

    async def request(self, account: str, spec: Mapping[str, object]) -> Answer:
        wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return await self._ask("POST", f"/serviceaccounts/{account}/token", Unknown, wanted)

    async def end(self, name: str) -> bool:
        """Over when the cluster itself says that there is no such secret. False: it said so at once."""
        first = await self._ask("DELETE", f"/secrets/{name}", Unavailable)
        if first.status not in {200, 202, 404}:
            raise unclear("not_revoked", first)
        second = await self._ask("GET", f"/secrets/{name}", Unavailable)
        if second.status == 200:
            raise Unavailable("still_alive", "the cluster said that it deleted the object, and it is still there")
        said = body(second.body)
        if second.status != 404 or said.get("reason") != "NotFound" or member(said, "details").get("name") != name:
            raise unclear("not_proven", second)
        return first.status != 404

    async def names(self) -> list[str]:
        found: list[str] = []
        query = {"labelSelector": f"{LABEL}={OURS}", "limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            answer = await self._ask("GET", f"/secrets?{urlencode(query)}", Unavailable)
            said = body(answer.body)
            items = said.get("items")
            if answer.status != 200 or not isinstance(items, list):
                raise unclear("not_listed", answer)
            found += [str(member(one, "metadata").get("name")) for one in items]
            following = member(said, "metadata").get("continue")
            if not isinstance(following, str) or not following:
                return found
            query["continue"] = following
        raise Unavailable("too_many", f"more than {PAGE * MOST_PAGES} secrets are on the cluster's list")

    async def _ask(self, method: str, path: str, lost: type[ProviderError], wanted: Body | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", **({"Content-Type": "application/json"} if wanted else {})}
        return await met(self.http, method, self.url + path, self.until, lost, headers, json.dumps(wanted).encode() if wanted else None)


def unclear(code: str, answer: Answer) -> ProviderError:
    if answer.status == 401:
        return RootRefused(code, REFUSED[401][1])
    return Unavailable(code, f"the cluster answered {answer.status}", limited(answer, UNSAID))


def no(answer: Answer) -> ProviderError:
    if (wait := limited(answer, UNSAID)) is not None:
        return Unavailable("busy", "the cluster wants to be left alone for a while", wait)
    if answer.status in REFUSED:
        return refused(*REFUSED[answer.status])
    if 300 <= answer.status < 500:
        return Refused("said_no", f"the cluster answered {answer.status}: check `server` of the connector")
    return Unknown("no_token", f"the cluster answered {answer.status}, and what was asked for could not be read")
