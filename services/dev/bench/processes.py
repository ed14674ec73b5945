"""CPU and memory of the processes we measure, from /proc. CPU is that of each with everything below it: PostgreSQL is a process per connection."""

import os
from collections.abc import Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PARENT, USER, SYSTEM, REAPED_USER, REAPED_SYSTEM = 1, 11, 12, 13, 14
"""Places in /proc/<pid>/stat after the name, see proc_pid_stat(5)."""


def stats() -> dict[int, list[str]]:
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended while we looked
                continue
    return found


def below(pid: int, known: Mapping[int, list[str]]) -> list[int]:
    """It and its descendants."""
    found, waiting = list[int](), [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += [other for other, fields in known.items() if int(fields[PARENT]) == one]
    return [one for one in found if one in known]


def cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds so far, by name. What has ended meanwhile counts at whoever started it."""
    known = stats()
    fields = (USER, SYSTEM, REAPED_USER, REAPED_SYSTEM)
    return {name: sum(int(known[one][field]) for one in below(pid, known) for field in fields) / TICKS for name, pid in pids.items()}


def memory(pids: Mapping[str, int]) -> dict[str, int]:
    """Resident bytes of each process itself, as `ps` shows them."""
    return {name: int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE for name, pid in pids.items()}
