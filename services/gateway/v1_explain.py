"""POST /v1/explain: would this be granted, by which rule, and if not, what would."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.contracts.exchange_requested import DEEPEST_WISH, LARGEST_WISH, Wish
from counterfoil.wire.canonical import NotCanonical, canonical, deeper
from counterfoil_server.domain import wishes
from counterfoil_server.runtime.registry import Registry
from services.gateway import body, place
from services.gateway.answering import NO_STORE
from services.gateway.callers import Caller, Callers
from services.gateway.explaining import Explainer
from services.gateway.operators import Operators
from services.gateway.problems import Problem


class ExplainDoor:
    def __init__(self, callers: Callers, operators: Operators, registry: Registry, explainer: Explainer) -> None:
        self._callers, self._operators, self._registry, self._explainer = callers, operators, registry, explainer

    async def explain(self, request: Request) -> Response:
        """A single-use token is not used up by it: nothing is asked of anyone."""
        caller, reader = await self._operators.able(request, "read_registry")
        given = await body.json_object(request)
        somebody = place.named(given.pop("as", None))
        if somebody is not None and not reader:
            raise Problem("not_allowed", "only who may read the registry may ask about others", fix="Leave out `as` to ask about yourself.")
        found = await self._explainer.explain(self._place(somebody, caller), wish(given), reader=reader)
        return JSONResponse(found, headers=NO_STORE)

    def _place(self, somebody: place.As | None, caller: Caller) -> place.Place:
        issuer = somebody.issuer if somebody and somebody.issuer else caller.issuer
        entry = self._registry.snapshot.issuers.get(issuer)
        if entry is None:
            raise Problem("malformed_request", "as.issuer is not in the registry", fix="Name an issuer of GET /v1/issuers by its `issuer`.")
        clear = entry.subject == "workload"
        return place.own(caller, clear=clear) if somebody is None else place.somebodys(somebody, caller, self._callers, clear=clear)


def wish(given: dict[str, Any]) -> Wish:
    """As the verifier reads it, with the same limits."""
    try:
        found, size = wishes.read(given), len(canonical(given))
    except wishes.BadWish as error:
        raise Problem("malformed_request", f"the wish: {error}") from None
    except NotCanonical:
        raise Problem("malformed_request", "the wish: a number is a fraction or beyond 2^53, or a text is no Unicode") from None
    if deeper(given, DEEPEST_WISH):
        raise Problem("malformed_request", f"a wish is nested at most {DEEPEST_WISH} deep")
    if size > LARGEST_WISH:
        raise Problem("malformed_request", f"a wish has at most {LARGEST_WISH} bytes")
    return found
