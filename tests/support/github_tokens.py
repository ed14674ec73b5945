"""What a GitHub knows of its users' tokens. What GitHub leaves open is played at its worst: a refresh ends what was made of the token before, too."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

PERMISSIONS = {"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "read"}
LIFE = timedelta(hours=8)


@dataclass
class Token:
    """`of`: the token that it was made of; empty for a user's own, which opens all."""

    login: str
    ends: datetime
    of: str = ""
    permissions: Mapping[str, str] = field(default_factory=lambda: PERMISSIONS)
    repositories: frozenset[str] = frozenset()


@dataclass
class Tokens:
    """`refreshes`: by refresh token, the access token beside it, and whose they are."""

    life: timedelta = LIFE
    held: dict[str, Token] = field(default_factory=dict)
    refreshes: dict[str, tuple[str, str]] = field(default_factory=dict)
    refreshed: int = 0

    def pair(self, login: str) -> dict[str, Any]:
        """As though they had gone through the login."""
        access, refresh = f"ghu_{secrets.token_hex(18)}", f"ghr_{secrets.token_hex(36)}"
        self.held[access], self.refreshes[refresh] = Token(login, datetime.now(UTC) + self.life), (access, login)
        return {"access_token": access, "expires_in": int(self.life.total_seconds()), "refresh_token": refresh, "refresh_token_expires_in": 15811200,
                "scope": "", "token_type": "bearer"}  # fmt: skip

    def refresh(self, refresh: str) -> dict[str, Any]:
        if refresh not in self.refreshes:
            return {"error": "bad_refresh_token", "error_description": "The refresh token passed is incorrect or expired."}
        before, login = self.refreshes.pop(refresh)
        self.held = {text: one for text, one in self.held.items() if before not in {text, one.of}}
        self.refreshed += 1
        return self.pair(login)

    def forget(self, login: str) -> None:
        self.held = {text: one for text, one in self.held.items() if one.login != login}
        self.refreshes = {refresh: of for refresh, of in self.refreshes.items() if of[1] != login}

    def alive(self, text: str) -> Token | None:
        token = self.held.get(text)
        return token if token and datetime.now(UTC) < token.ends else None
