"""What a request asks of a service account: Google's own scopes, and by details the buckets of Cloud Storage that are left of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from services.providers.seam import Declared, Details, Refused, read

SCOPE = re.compile(r"https://[a-z0-9.-]{1,128}/[A-Za-z0-9._/-]{0,128}")
MOST_RULES = 10
"""Of a credential access boundary."""
Role = Annotated[str, Field(pattern=r"^((projects|organizations)/[a-z0-9.:-]{1,64}/)?roles/[A-Za-z0-9._]{1,64}$")]


class Bucket(Declared):
    """One rule: a token may what any of them allows. No quote is in any member, for they end in an expression."""

    type: Literal["google"]
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$")
    roles: tuple[Role, ...] = Field(strict=False, min_length=1, max_length=10)
    prefix: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._/-]{1,512}$")

    def rule(self) -> Mapping[str, object]:
        place = f"projects/_/buckets/{self.bucket}"
        made: dict[str, object] = {
            "availableResource": f"//storage.googleapis.com/{place}",
            "availablePermissions": [f"inRole:{one}" for one in self.roles],
        }
        if self.prefix is not None:
            objects = f"resource.name.startsWith('{place}/objects/{self.prefix}')"
            lists = f"api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('{self.prefix}')"
            made["availabilityCondition"] = {"expression": f"{objects} || {lists}"}
        return made


@dataclass(frozen=True, slots=True)
class Wish:
    scopes: tuple[str, ...]
    rules: tuple[Mapping[str, object], ...]
    """Empty where all that the service account may is asked for, within the scopes."""


def wish(scopes: frozenset[str], details: Details) -> Wish:
    """Raises Refused."""
    if not scopes or not all(SCOPE.fullmatch(one) for one in scopes):
        raise Refused("no_scope", "name at least one scope of Google, whole: https://www.googleapis.com/auth/devstorage.read_only")
    if len(details) > MOST_RULES:
        raise Refused("too_much", f"at most {MOST_RULES} details: each is a rule of the boundary")
    return Wish(tuple(sorted(scopes)), tuple(read(Bucket, one, "detail").rule() for one in details))
