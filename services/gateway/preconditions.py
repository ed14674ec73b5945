"""If-Match and If-None-Match (RFC 9110, section 13.1): nobody overwrites what they have not seen."""

import re
from dataclasses import dataclass

from starlette.requests import Request

from services.gateway.problems import Problem

TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*')
ANY = "*"


@dataclass(frozen=True, slots=True)
class Preconditions:
    """Held against what is there while the registry's lock is held, so that nothing comes in between. `only_new`: nothing may be there."""

    match: frozenset[str] | None = None
    only_new: bool = False

    def hold(self, tag: str | None) -> None:
        """`tag`: of what is there; None where nothing is."""
        if self.only_new and tag is not None:
            raise Problem("precondition_failed", "there is one by that name already", extra={"etag": quoted(tag)})
        if self.match is None or (tag is not None and not self.match.isdisjoint({ANY, tag})):
            return
        there = {} if tag is None else {"etag": quoted(tag)}
        raise Problem("precondition_failed", "it was changed since you read it" if there else "it is not there", extra=there)


def preconditions(request: Request) -> Preconditions:
    match, none = request.headers.getlist("if-match"), request.headers.getlist("if-none-match")
    if none and ",".join(none).strip() != ANY:
        raise Problem("malformed_request", "If-None-Match is taken with * only: create, and overwrite nothing")
    return Preconditions(tags(",".join(match)) if match else None, bool(none))


def tags(text: str) -> frozenset[str]:
    """Weak ones never match: section 13.1.1."""
    if text.strip() == ANY:
        return frozenset({ANY})
    found = [TAG.fullmatch(part) for part in text.split(",") if part.strip()]
    if not found or not all(found):
        raise Problem("malformed_request", 'If-Match has to be * or entity tags, like "42"')
    return frozenset(one[2] for one in found if one is not None and not one[1])


def quoted(tag: object) -> str:
    return f'"{tag}"'
