"""`python -m services.verifier.replay`: recorded tokens opened and checked again, where the sealing key is."""

import sys

from services.verifier.replay.app import run

if __name__ == "__main__":
    run(sys.argv[1:])
