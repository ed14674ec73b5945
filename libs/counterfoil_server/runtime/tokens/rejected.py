"""Rejected: the gate's no. It says which rule was broken and never quotes the token."""

from collections.abc import Callable
from functools import wraps
from typing import Literal, ParamSpec, TypeVar

Code = Literal[
    "malformed",
    "oversized",
    "bad_header",
    "algorithm",
    "unknown_issuer",
    "unknown_key",
    "bad_key",
    "bad_signature",
    "wrong_audience",
    "expired",
    "not_yet_valid",
    "too_old",
    "too_long",
    "bad_claims",
]

P = ParamSpec("P")
T = TypeVar("T")


class Rejected(Exception):
    """An identity that was not proven. Final: the same token will be rejected again."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def closed(step: Callable[P, T]) -> Callable[P, T]:
    """Whatever else goes wrong inside is a rejection too: parsers leak KeyError, ValueError, RecursionError and more."""

    @wraps(step)
    def gate(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return step(*args, **kwargs)
        except Rejected:
            raise
        except Exception:  # noqa: BLE001 the point of this function
            failed = Rejected("malformed", "the token could not be read")
        raise failed  # outside the handler: a JSONDecodeError kept as the context would carry the whole token

    return gate
