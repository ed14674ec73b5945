"""`services.providers.app` with one more provider on the shelf: `python -m services.dev.bench.providers mint|revoke`."""

import sys

from services.dev.bench.instant import Instant
from services.providers.app import run

if __name__ == "__main__":
    run(sys.argv, {"instant": Instant()})
