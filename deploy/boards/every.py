"""Every board, by the file that it becomes."""

from collections.abc import Mapping
from typing import Any

from deploy.boards import audit, decisions, now, processes, providers, revocation, stages

WHERE = "deploy/grafana"


def boards() -> Mapping[str, dict[str, Any]]:
    made = (now.made(), stages.made(), decisions.made(), providers.made(), revocation.made(), audit.made(), processes.made())
    return {f"{WHERE}/{one['uid'].removeprefix('counterfoil-')}.json": one for one in made}
