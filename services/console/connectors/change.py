"""A connector on its way to the registry: shown as a dry run, then made, with its root secrets sealed to mint before they leave this process."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.contracts.registry import Connector, ordered
from counterfoil.wire import binding, registry_diff
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool
from services.console.connectors.filled import Filled
from services.console.gateway import Refused
from services.console.operator import Operator
from services.console.site import Site

VERSIONS = "SELECT field, max(version) AS version FROM root_secret WHERE connector = $1 AND installation = $2 GROUP BY field"
KEYS = """SELECT public FROM service_key
    WHERE role = 'mint' AND use = 'open' AND not_before <= $1 AND (not_after IS NULL OR not_after > $1)"""
CHANGED = {"code": "changed_since", "message": "this is not what you looked at: a field was changed since",
           "fix": "look at what would change once more, then make it"}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What would be done. `seen`: what it is known by; with the registry's revision it is all that the second step goes by."""

    lines: Sequence[str]
    changes: Sequence[Mapping[str, Any]]
    secrets: Sequence[str]
    revision: int
    seen: str


async def looked(site: Site, operator: Operator, wanted: Filled, before: Connector | None, revision: int) -> Look:
    """`revision`: of the registry, read before `before` was: what has changed since is refused."""
    answer = await sent(site, operator, wanted, f'"{revision}"', dry_run=True)
    told = registry_diff.between([before] if before else [], [wanted.connector], prune=False).lines
    return Look(told, answer["changes"], sorted(wanted.secrets), revision, digest(wanted))


async def made(site: Site, operator: Operator, wanted: Filled, seen: str, revision: str) -> None:
    """Raises Refused where it is not what was looked at, or somebody was quicker."""
    if seen != digest(wanted) or not revision.isdecimal():
        raise Refused(409, CHANGED)
    await sent(site, operator, wanted, f'"{revision}"', dry_run=False)


async def sent(site: Site, operator: Operator, wanted: Filled, etag: str, *, dry_run: bool) -> Mapping[str, Any]:
    connector = wanted.connector
    entry = ordered(connector.model_dump(exclude_unset=True)) | {"kind": "connector"}
    secrets = await sealed(site, operator, connector, wanted.secrets) if wanted.secrets else []
    body = {"entries": [entry], "secrets": secrets, "dry_run": dry_run}
    answer: Mapping[str, Any] = (await site.gateway.ask(operator, "POST", "/v1/registry", body=body, etag=etag)).body
    return answer


async def sealed(site: Site, operator: Operator, connector: Connector, secrets: Mapping[str, Secret]) -> Sequence[Mapping[str, Any]]:
    key = await mint_key(site, operator)
    have = {row["field"]: row["version"] for row in await site.db.fetch(VERSIONS, connector.name, connector.installation)}
    sealer, found = Sealer(), []
    for field, secret in secrets.items():
        version = have.get(field, 0) + 1
        box = sealer.seal(secret, key, binding.root(connector.name, connector.installation, field, version))
        about = {"connector": connector.name, "installation": connector.installation, "field": field, "version": version}
        found.append({**about, "sealed": to_url(box).decode()})
    return found


async def mint_key(site: Site, operator: Operator) -> bytes:
    """As the gateway names it, and as the database has it: nobody in between can name another."""
    known = await site.gateway.get(operator, "/.well-known/counterfoil")
    try:
        key = from_url(str(known["mint_key"]["key"]).encode())
    except (KeyError, TypeError, ValueError):
        key = b""
    if key not in await valid(site.db, site.now()):
        raise Refused(503, {"code": "no_mint_key", "message": "the gateway names no key of mint that the database knows: nothing was sealed",
                            "fix": "`counterfoil keys list` says which keys are valid"})  # fmt: skip
    return key


async def valid(db: Pool, now: datetime) -> frozenset[bytes]:
    return frozenset(row["public"] for row in await db.fetch(KEYS, now))


def digest(wanted: Filled) -> str:
    """Of secrets only which there are: not even their hash is told to a browser."""
    about = [ordered(wanted.connector.model_dump()), sorted(wanted.secrets)]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
