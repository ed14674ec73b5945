"""What `counterfoil login` leaves: who gave the token and where it is renewed, in a file; the tokens there too, or in the system's keyring."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from counterfoil.client.ambient.source import Around, Failed
from counterfoil.wire.secret import Secret

AGAIN = "run `counterfoil login`"
SERVICE = "counterfoil"
EVERY = 0.05
Where = Literal["file", "keyring"]


@dataclass(frozen=True)
class Login:
    issuer: str
    client_id: str
    token_endpoint: str
    revocation_endpoint: str | None
    id_token: Secret
    refresh_token: Secret | None
    store: Where

    @property
    def account(self) -> str:
        return f"{self.client_id} at {self.issuer}"

    def public(self) -> dict[str, str | None]:
        return {name: getattr(self, name) for name in ("issuer", "client_id", "token_endpoint", "revocation_endpoint", "store")}

    def secrets(self) -> dict[str, str]:
        found = {"id_token": self.id_token.text()}
        return found | ({"refresh_token": self.refresh_token.text()} if self.refresh_token else {})


def path(around: Around) -> Path | None:
    """None where this user has no home."""
    base, home = around.env.get("XDG_CONFIG_HOME"), around.env.get("HOME") or around.env.get("USERPROFILE")
    folder = Path(base) if base else Path(home) / ".config" if home else None
    return None if folder is None else folder / "counterfoil" / "login.json"


def read(file: Path) -> Login:
    """Raises Failed."""
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise Failed(f"{file} can be read by others", f"chmod 600 {file}, and if others were here, {AGAIN} anew")
        found = json.loads(file.read_text(encoding="utf-8"))
        public = {name: found[name] for name in ("issuer", "client_id", "token_endpoint", "revocation_endpoint", "store")}
        secrets = found if found["store"] == "file" else kept_in_keyring(public)
        refresh = secrets.get("refresh_token")
        return Login(**public, id_token=Secret(secrets["id_token"]), refresh_token=Secret(refresh) if refresh else None)
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}", AGAIN) from None
    except (ValueError, KeyError, TypeError):
        pass
    raise Failed(f"{file} is not what `counterfoil login` writes", AGAIN)


def kept_in_keyring(public: Mapping[str, str]) -> dict[str, str]:
    try:
        import keyring  # noqa: PLC0415 an extra, and slow to import

        text = keyring.get_password(SERVICE, f"{public['client_id']} at {public['issuer']}")
    except Exception as error:  # noqa: BLE001 every backend has its own errors
        raise Failed(f"the keyring did not answer: {type(error).__name__}", "unlock it, or run `counterfoil login --store file`") from None
    if text is None:
        raise Failed("the keyring has the login no more", AGAIN)
    found: dict[str, str] = json.loads(text)
    return found


def write(file: Path, login: Login) -> None:
    """Whole or not at all, and never readable by others."""
    content: dict[str, str | None] = login.public()
    if login.store == "keyring":
        import keyring  # noqa: PLC0415 see above

        keyring.set_password(SERVICE, login.account, json.dumps(login.secrets()))
    else:
        content |= login.secrets()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(content, out)
    partial.replace(file)


def remove(file: Path, login: Login) -> None:
    if login.store == "keyring":
        import keyring  # noqa: PLC0415 see above

        with suppress(keyring.errors.PasswordDeleteError):
            keyring.delete_password(SERVICE, login.account)
    file.unlink(missing_ok=True)


@asynccontextmanager
async def alone(file: Path) -> AsyncIterator[None]:
    """One process renews at a time: an issuer may take a refresh token that is used twice for a stolen one. No thread waits for it."""
    with file.with_suffix(".lock").open("w") as lock:
        try:
            import fcntl  # noqa: PLC0415 POSIX
        except ImportError:
            yield
            return
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(EVERY)
        yield
