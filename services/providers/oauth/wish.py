"""What a request may ask of an authorization server: scopes, and by details the resources that a token shall be for (RFC 8707)."""

import re
from typing import Literal

from pydantic import Field

from services.providers.seam import Declared, Details, Refused, read

URI = r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+$"
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")


class Resource(Declared):
    type: Literal["oauth2"]
    resource: str = Field(pattern=URI, max_length=1024)


def resources(scopes: frozenset[str], details: Details) -> tuple[str, ...]:
    """Raises Refused. To name no scope would be to ask for whatever the server thinks fit."""
    if not scopes:
        raise Refused("no_scope", "name the scopes that are wanted: a server may give all it has to who names none")
    if not all(SCOPE.fullmatch(one) for one in scopes):
        raise Refused("bad_scope", "a scope is one word of printable ASCII, without quotes and backslashes")
    return tuple(dict.fromkeys(read(Resource, detail, "details").resource for detail in details))
