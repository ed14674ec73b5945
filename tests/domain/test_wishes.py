"""Reading a wish: strictly."""

from typing import Any

import pytest

from counterfoil.contracts.exchange_requested import Wish
from counterfoil_server.domain import wishes
from counterfoil_server.domain.wishes import BadWish


def test_a_wish_is_read_as_it_is() -> None:
    raw = {"connector": "postgres/demo", "scopes": ["read"], "details": [{"type": "postgres"}], "lifetime": 60}
    assert wishes.read(raw) == Wish(connector="postgres/demo", scopes=("read",), details=({"type": "postgres"},), lifetime=60)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([], "JSON object"),
        (None, "JSON object"),
        ({}, "connector: missing"),
        ({"connector": "c", "colour": "hunter2"}, "colour: extra_forbidden"),
        ({"connector": ""}, "connector: string_too_short"),
        ({"connector": 7}, "connector: string_type"),
        ({"connector": "c", "scopes": "read"}, "scopes"),
        ({"connector": "c", "scopes": [1]}, "scopes.0"),
        ({"connector": "c", "lifetime": "60"}, "lifetime"),
        ({"connector": "c", "lifetime": True}, "lifetime"),
        ({"connector": "c", "lifetime": 0}, "lifetime"),
        ({"connector": "c", "details": [1]}, "details.0"),
        ({"connector": "c", "x" * 500: 1}, "x" * 64 + ":"),
    ],
)
def test_what_is_wrong_with_a_wish_is_said_and_not_quoted(raw: Any, words: str) -> None:
    with pytest.raises(BadWish) as refused:
        wishes.read(raw)
    assert words in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_at_most_five_faults_are_named() -> None:
    with pytest.raises(BadWish) as refused:
        wishes.read({"connector": "c", **{f"m{n}": 1 for n in range(50)}})
    assert str(refused.value).count(";") == 4


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"connector": "c", "colour": 1}, "c"),
        ({"connector": 1}, None),
        ({"connector": ""}, None),
        ({"connector": "c" * 129}, None),
        ({}, None),
        ([], None),
    ],
)
def test_the_connector_is_read_from_a_bad_wish_too(raw: Any, name: str | None) -> None:
    assert wishes.connector_of(raw) == name
