"""How trials tell what happens, and what they found."""

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence


def say(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def spread(ends: Counter[str]) -> str:
    return ", ".join(f"{count} {end}" for end, count in ends.most_common())


def seconds(found: Sequence[float]) -> str:
    return " ".join(f"{one:.1f}" for one in found)


def violations(found: Mapping[str, Sequence[str]], asks: int) -> str:
    lines = [f"violations, of {asks} asks"]
    for name, texts in found.items():
        lines += [f"  {name} {len(texts):5}", *(f"      {text}" for text in texts[:10])]
    return "\n".join(lines)
