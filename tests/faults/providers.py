"""`services.providers.app` with the provider that faults on its shelf: `python -m tests.faults.providers mint|revoke`."""

import sys

from services.providers.app import run
from tests.faults.adapter import ByName

if __name__ == "__main__":
    run(sys.argv, {"fault": ByName()})
