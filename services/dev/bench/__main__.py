"""`make bench`: the figures of this machine, each beside its target and its floor."""

import argparse
import json
import os
import sys
import time

from services.dev.bench.conditions import conditions
from services.dev.bench.figures import table
from services.dev.bench.sizes import LONG, NORMAL, OUTSTANDING, QUICK, Sizes
from services.dev.bench.walk import measured
from services.dev.running import run


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def bench(sizes: Sizes, output: str) -> None:
    began, about = time.monotonic(), conditions()
    found = await measured(sizes, say)
    about |= {
        "load after": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "shape": f"a process per service; closed loops with {OUTSTANDING} outstanding; {sizes.tokens} callers; medians of {sizes.repeats}",
        "took": f"{time.monotonic() - began:.0f} s",
    }
    if output == "json":
        sys.stdout.write(json.dumps({"conditions": about, "figures": [figure.document() for figure in found]}, indent=1) + "\n")
    else:
        sys.stdout.write(table(found, about) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.dev.bench", description=__doc__)
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--quick", action="store_const", dest="sizes", const=QUICK, help="a smoke: does it run at all")
    much.add_argument("--long", action="store_const", dest="sizes", const=LONG, help="memory over a million exchanges")
    asked = parser.parse_args()
    return run(bench(asked.sizes or NORMAL, asked.output))


if __name__ == "__main__":
    sys.exit(main())
