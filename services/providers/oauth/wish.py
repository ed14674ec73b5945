"""What a request may ask of an authorization server: scopes; by details the resources that a token shall be for (RFC 8707), and what the
server itself knows as details (RFC 9396), of the types that the connector passes on.
"""

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from services.providers.oauth.config import Config
from services.providers.seam import Declared, Details, Refused, read

URI = r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+$"
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")


class Resource(Declared):
    type: Literal["oauth2"]
    resource: str = Field(pattern=URI, max_length=1024)


@dataclass(frozen=True, slots=True)
class Wish:
    """`details`: what is passed on as it is, for the server to keep (RFC 9396)."""

    scopes: frozenset[str]
    resources: tuple[str, ...]
    details: Details

    @property
    def narrows(self) -> bool:
        return bool(self.resources or self.details)


def wish(scopes: frozenset[str], details: Details, config: Config) -> Wish:
    """Raises Refused. To name no scope and no detail of the server's would be to ask for whatever it thinks fit."""
    passed = tuple(one for one in details if one.get("type") in config.detail_types)
    own = [read(Resource, one, "details").resource for one in details if one.get("type") not in config.detail_types]
    if not scopes and not passed:
        raise Refused("no_scope", "name the scopes that are wanted: a server may give all it has to who names none")
    if not all(SCOPE.fullmatch(one) for one in scopes):
        raise Refused("bad_scope", "a scope is one word of printable ASCII, without quotes and backslashes")
    return Wish(scopes, tuple(dict.fromkeys(own)), passed)
