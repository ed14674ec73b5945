"""The fixtures everyone has, and the marker that tells tests on the real parts from the quick ones."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.support.github import github
from tests.support.node import node
from tests.support.parts import apart, children, kafka, postgres, postgres_server
from tests.support.town import town_of_the_session

__all__ = ["apart", "children", "github", "kafka", "node", "postgres", "postgres_server", "town_of_the_session"]

TOGETHER = ("tests/deploy/",)
"""Folders whose files share what takes long to set up."""
REAL = {"children", "demo", "guarded", "kafka", "postgres", "postgres_server", "town", "up"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a real part, itself or through a fixture, is `real`: `make unit` leaves it out. So `counterparts`, `browser`."""
    for item in items:
        asked = getattr(item, "fixturenames", ())
        if REAL.intersection(asked):
            item.add_marker(pytest.mark.real)
        if {"node", "notes"}.intersection(asked):
            item.add_marker(pytest.mark.counterparts)
        if "browser" in asked:
            item.add_marker(pytest.mark.browser)


class ByPart(LoadFileScheduling):  # type: ignore[misc]
    """Which worker a test goes to: where the others of its file, or of its folder, go."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), str(super()._split_scope(nodeid)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPart:
    return ByPart(config, log)
