"""A *no* on its way out: RFC 9457 everywhere, with RFC 6749's members at the OAuth doors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.gateway.table import RETRYABLE, TABLE, Row

UNAUTHORIZED = 401


@dataclass(frozen=True)
class About:
    """What a problem can be found by later."""

    request_id: str | None = None
    trace_id: str | None = None


@dataclass
class Problem(Exception):
    """A *no* of this process, or one that came over the bus."""

    code: str
    message: str = ""
    stage: str = "gateway"
    fix: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    of_caller: bool = False
    """Whether it is the caller's own bearer token that was not accepted, and not one that was to be exchanged."""

    @property
    def row(self) -> Row:
        return TABLE.get(self.code) or TABLE["internal"]

    def document(self, status: int, base: str, about: About) -> dict[str, Any]:
        """RFC 9457. What is said to follow is documented at its type."""
        row = self.row
        url = f"{base}/problems/{self.code}"
        found = {
            "type": url,
            "title": row.title,
            "status": status,
            "detail": self.message or row.title,
            "code": self.code,
            "message": self.message or row.title,
            "fix": self.fix or row.fix,
            "docs_url": url,
            "retryable": self.code in RETRYABLE,
            "request_id": about.request_id,
            "trace_id": about.trace_id,
            "stage": self.stage,
        }
        return {name: value for name, value in found.items() if value is not None} | dict(self.extra)

    def oauth(self, base: str, about: About) -> tuple[int, dict[str, Any]]:
        """RFC 6749 section 5.2, with the problem's members beside `error`."""
        status, error = (UNAUTHORIZED, "invalid_client") if self.of_caller and self.row.v1 == UNAUTHORIZED else (self.row.status, self.row.error)
        said = {"error": error, "error_description": plain(self.message or self.row.title)}
        return status, said | self.document(status, base, about)

    def v1(self, base: str, about: About) -> tuple[int, dict[str, Any]]:
        return self.row.v1, self.document(self.row.v1, base, about)


def plain(text: str) -> str:
    """The characters that RFC 6749 allows in error_description."""
    return "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "?" for letter in text)
