"""What a desk of GitHub's needs of a server that answers as it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil.wire.secret import Secret
from services.providers import shelf
from tests.providers.desk import CANARY, Desk
from tests.providers.liar import Liar, Says
from tests.support.github import pem

MINT, END, LOOK = "/app/installations/7/access_tokens", "/installation/token", "/installation/repositories?per_page=1"
KEY = Secret(pem())


def gives(status: int = 201, **changes: Any) -> Says:
    """GitHub's answer to the desk's wish; None leaves a member out."""
    usual: dict[str, Any] = {
        "token": f"ghs_{CANARY}",
        "expires_at": (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "permissions": {"contents": "read", "metadata": "read"},
        "repository_selection": "selected",
        "repositories": [{"id": 1, "name": "a", "full_name": "acme/a"}],
    }
    return Says({name: value for name, value in (usual | changes).items() if value is not None}, status)


def desk(liar: Liar, **config: Any) -> Desk:
    given = {"app": "Iv1.abc", "installation_id": 7, "account": "acme", "api": liar.url, "network": "this_machine", **config}
    wish = ({"type": "github", "repositories": ["acme/a"]},)
    return Desk(shelf.provider("github"), given, {"private_key": KEY}, frozenset({"contents:read"}), away=given, details=wish)


def said(status: int, **headers: str) -> Says:
    return Says({"message": CANARY, "documentation_url": CANARY}, status, {name.replace("_", "-"): value for name, value in headers.items()})
