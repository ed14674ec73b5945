"""`services.providers.app` with the providers that fault on its shelf: `python -m tests.faults.providers mint|revoke`."""

import os
import signal
import sys

from counterfoil_server.runtime import crash
from services.providers.app import run
from tests.faults.adapter import every

put = setattr
STOPS = "FAULTS_STOPS"
"""Where it is set, the process stands still at its crash point, once, in place of dying there."""


def stand_still(point: str) -> None:
    if crash._left.pop(point, None):
        os.kill(os.getpid(), signal.SIGSTOP)


def main() -> None:
    if STOPS in os.environ:
        put(crash, "at", stand_still)
    run(sys.argv, every())


if __name__ == "__main__":
    main()
