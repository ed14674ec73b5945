"""A provider in shadow: what it declares, and nothing that it does. No provider's code is loaded."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

FILE = Path(__file__).parents[2] / "gateway" / "providers.json"


class NetworkUse(RuntimeError):
    """Replay asked a provider for something: it never may."""


class Shadow:
    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.name: str = declared["name"]
        self.by_name: bool = declared["idempotency"] == "by_name"
        self.longest = timedelta(seconds=declared["longest"])

    def __getattr__(self, name: str) -> NoReturn:
        raise NetworkUse(f"{self.name}.{name}: replay reads the ledger and reaches no provider")


def shadows() -> dict[str, Shadow]:
    """As deploy/catalog.py wrote it down for the gateway."""
    return {one["name"]: Shadow(one) for one in json.loads(FILE.read_text())["providers"]}
