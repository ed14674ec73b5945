"""`python -m tests.steady ARGS`: pytest, and the few tests that failed beside the others once more, alone.

On a machine that others share a real part may be late. What passes the second time only is named as unsteady, its failure stands above in full,
and it is to be mended: CONTRIBUTING.md. More than a few at once are no accident.
"""

import json
import subprocess
import sys
from pathlib import Path

FEW = 3
FAILED = 1
"""pytest's exit code where tests failed, and nothing else was wrong."""
LAST = Path(".pytest_cache/v/cache/lastfailed")


def pytest(*args: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *args], check=False).returncode


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main(args: list[str]) -> int:
    LAST.unlink(missing_ok=True)
    code = pytest(*args)
    failed = sorted(json.loads(LAST.read_text())) if code == FAILED and LAST.exists() else []
    if not 0 < len(failed) <= FEW:
        return code
    say(f"\nOnce more, alone: {', '.join(failed)}")
    again = pytest(*failed)
    if again == 0:
        say("".join(f"UNSTEADY: {one} failed beside the others and passed alone\n" for one in failed))
    return again


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
