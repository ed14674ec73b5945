"""What importing the package costs: nothing that the importer did not ask for."""

import subprocess
import sys

import pytest

import counterfoil

HEAVY = ("httpx", "httpx2", "aiokafka", "typer", "pydantic", "cryptography", "opentelemetry", "asyncio")


@pytest.mark.parametrize("package", ["counterfoil", "counterfoil.sync"])
def test_the_client_comes_without_what_is_not_used_yet(package: str):
    asked = f"import sys; from {package} import App, Client, User; print([name for name in {HEAVY} if name in sys.modules])"

    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_http_transport_comes_without_kafka():
    asked = "import sys, counterfoil.client.ways; print([name for name in ('aiokafka', 'typer') if name in sys.modules])"

    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_name_that_is_promised_is_there():
    assert all(getattr(counterfoil, name).__name__ == name for name in dir(counterfoil))
    with pytest.raises(AttributeError):
        counterfoil.nothing  # noqa: B018
