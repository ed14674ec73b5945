"""How a process that cannot go on says so: one line that names what is wrong and no value, and exit code 1."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from counterfoil_server.runtime.health import PortTaken
from counterfoil_server.runtime.key_folder import BadKeyFile
from counterfoil_server.runtime.keys import NoKey
from counterfoil_server.runtime.settings import BadSetting
from counterfoil_server.runtime.telemetry import logs

log = logging.getLogger("counterfoil.service")


class Unusable(RuntimeError):
    """A part that this process rests on. Says which, and the kind of error, whose own text may quote a DSN or a statement."""

    def __init__(self, what: str, setting: str, error: BaseException) -> None:
        super().__init__(f"{what} cannot be used ({type(error).__name__}): is it up, and does {setting} name it and this role's way in?")


OURS = (BadSetting, NoKey, BadKeyFile, Unusable, PortTaken)
"""Errors whose text we wrote, for who reads the log."""


@contextmanager
def told(role: str) -> Iterator[None]:
    """Around all of a service: reading its settings, opening its parts, running."""
    logs.install(role)
    try:
        yield
    except OURS as error:
        log.critical("ended", extra={"reason": str(error)})
        raise SystemExit(1) from None
    except Exception as error:
        log.critical("ended by an error", exc_info=error)
        raise SystemExit(1) from None


@contextmanager
def needing(what: str, setting: str) -> Iterator[None]:
    """Raises Unusable."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote a DSN
        raise Unusable(what, setting, error) from None
