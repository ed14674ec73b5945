"""Counterfoil: lend credentials, keep the counterfoil. `from counterfoil import App, Client, User`; blocking: `from counterfoil.sync import ...`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a name is; importing it is left to whoever asks for it, so that contracts and wire cost nothing more
    from counterfoil.client.client import Client as Client
    from counterfoil.client.credential import Credential as Credential
    from counterfoil.client.credential import Receipt as Receipt
    from counterfoil.client.errors import ConsentRequired as ConsentRequired
    from counterfoil.client.errors import CounterfoilError as CounterfoilError
    from counterfoil.client.errors import Denied as Denied
    from counterfoil.client.errors import InstallationRequired as InstallationRequired
    from counterfoil.client.errors import NoIdentity as NoIdentity
    from counterfoil.client.errors import NotFound as NotFound
    from counterfoil.client.errors import RateLimited as RateLimited
    from counterfoil.client.errors import Refused as Refused
    from counterfoil.client.errors import Rejected as Rejected
    from counterfoil.client.errors import Revoked as Revoked
    from counterfoil.client.errors import Unavailable as Unavailable
    from counterfoil.client.errors import Unproven as Unproven
    from counterfoil.client.errors import Unsupported as Unsupported
    from counterfoil.client.explanation import Explanation as Explanation
    from counterfoil.client.subject import App as App
    from counterfoil.client.subject import User as User

ERRORS = (
    "ConsentRequired", "CounterfoilError", "Denied", "InstallationRequired", "NoIdentity", "NotFound", "RateLimited", "Refused", "Rejected",
    "Revoked", "Unavailable", "Unproven", "Unsupported",
)  # fmt: skip
WHERE = {
    "App": "subject", "User": "subject", "Client": "client", "Credential": "credential", "Receipt": "credential", "Explanation": "explanation",
    **dict.fromkeys(ERRORS, "errors"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in WHERE:
        raise AttributeError(f"module 'counterfoil' has no attribute {name!r}")
    return getattr(import_module(f"counterfoil.client.{WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(WHERE)
