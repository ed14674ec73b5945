"""What a desk of GitHub's users needs of a server that answers as it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil.wire.secret import Secret
from services.providers import shelf
from services.providers.consenting import Kept
from services.providers.seam import Minted
from tests.providers.desk import CANARY, Desk
from tests.providers.liar import Liar, Says

LOGIN, SCOPED, TOKEN, GRANT, USER = (
    "/login/oauth/access_token", "/applications/Iv1.abc/token/scoped", "/applications/Iv1.abc/token", "/applications/Iv1.abc/grant", "/user",
)  # fmt: skip
REFRESH = Secret(f"ghr_{CANARY}")
SECRETS = (f"ghr_{CANARY}", f"ghu_{CANARY}", f"own_{CANARY}", f"secret_{CANARY}")


def gives(status: int = 200, expires_at: Any = "in eight hours", token: Any = f"ghu_{CANARY}", **installation: Any) -> Says:
    """GitHub's answer to the desk's wish; None leaves a member out."""
    ends = (datetime.now(UTC) + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%SZ") if expires_at == "in eight hours" else expires_at
    usual = {"permissions": {"contents": "read", "metadata": "read"}, "repository_selection": "selected", "account": {"login": "acme"}}
    told = {name: value for name, value in (usual | installation).items() if value is not None}
    said = {"token": token, "expires_at": ends, "installation": told}
    return Says({name: value for name, value in said.items() if value is not None}, status)


def logs_in(status: int = 200, **changes: Any) -> Says:
    usual = {"access_token": f"own_{CANARY}", "expires_in": 28800, "refresh_token": f"ghr_2_{CANARY}", "refresh_token_expires_in": 15811200,
             "scope": "", "token_type": "bearer"}  # fmt: skip
    return Says({name: value for name, value in (usual | changes).items() if value is not None}, status)


def desk(liar: Liar, **config: Any) -> Desk:
    given = {"client_id": "Iv1.abc", "api": liar.url, "web": liar.url, "network": "this_machine", **config}
    wish = ({"type": "github", "repositories": ["acme/a"]},)
    return Desk(shelf.provider("github_user"), given, {"client_secret": Secret(f"secret_{CANARY}")}, frozenset({"contents:read"}), given, wish)


def kept(**lives: float) -> Kept:
    return Kept(Secret(f"own_{CANARY}"), datetime.now(UTC) + timedelta(**(lives or {"hours": 7})))


async def again(made: Desk, **order: Any) -> Minted | None:
    provider: Any = made.provider
    minted: Minted | None = await provider.again(made.order(**order), kept(), made.root)
    return minted
