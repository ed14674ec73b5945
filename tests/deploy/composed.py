"""compose.yaml as a test sees it: YAML with its merges done, and variables as they stand."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "compose.yaml"
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([?-])([^}]*))?\}")
SETTING = re.compile(r"COUNTERFOIL_[A-Z][A-Z_]*[A-Z]")
PROCESSES = ("gateway", "verifier", "policy", "mint", "revoke", "audit", "revoker")
ONE_SHOTS = ("setup", "kafka-setup")
PARTS = ("kafka", "postgres", "collector")
OPTIONAL = ("console", "witness")
"""Who is there only where it is asked for by its profile."""

OPERATORS: Mapping[str, str] = {
    "COUNTERFOIL_URL": "https://credentials.example.org", "COUNTERFOIL_ORIGIN": "log.example.org", "OTLP_ENDPOINT": "https://otlp.example.org",
    "COUNTERFOIL_FIRST_ADMIN": "https://issuer.example.org|ada",
}  # fmt: skip
"""What only an operator can know."""


@cache
def composed() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def services() -> Mapping[str, Any]:
    found: Mapping[str, Any] = composed()["services"]
    return found


def service(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = services()[name]
    return found


def secrets(name: str) -> Mapping[str, str]:
    """By the name of the file that the container sees: which secret it is."""
    listed = service(name).get("secrets", [])
    return {one if isinstance(one, str) else one["target"]: one if isinstance(one, str) else one["source"] for one in listed}


def volumes(name: str) -> Mapping[str, str]:
    """By source: where it is mounted, and `:ro` where it cannot be written."""
    return dict(one.split(":", 1) for one in service(name).get("volumes", []))


def filled(value: str) -> str:
    return VARIABLE.sub(lambda hit: OPERATORS.get(hit[1], hit[3] if hit[2] == "-" else ""), value)


def environment(name: str, folder: Path) -> dict[str, str]:
    """What the container sees, with the secrets where they are here."""
    mounted = {f"/run/secrets/{target}": str(folder / source) for target, source in secrets(name).items()}
    found = {key: filled(str(value)) for key, value in service(name)["environment"].items()}
    return {key: mounted.get(value, str(folder) if value == "/run/secrets" else value) for key, value in found.items()}
