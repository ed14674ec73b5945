"""The fixtures everyone has, and the marker that tells tests on the real parts from the quick ones."""

import pytest

from tests.support.parts import apart, children, kafka, postgres, postgres_server
from tests.support.town import town_of_the_session

__all__ = ["apart", "children", "kafka", "postgres", "postgres_server", "town_of_the_session"]

REAL = {"children", "kafka", "postgres", "postgres_server", "town", "up"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a real part, itself or through a fixture, is `real`: `make unit` leaves it out."""
    for item in items:
        if REAL.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real)
