"""Lifetimes as people write them."""

import pytest

from counterfoil.client.lifetime import seconds


@pytest.mark.parametrize(("text", "read"), [("300", 300), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172800)])
def test_a_lifetime_is_read_as_people_write_it(text: str, read: int):
    assert seconds(text) == read


@pytest.mark.parametrize("text", ["", "5 m", "m5", "-5m", "5x", "1.5h"])
def test_a_lifetime_that_nobody_can_read_is_an_error(text: str):
    with pytest.raises(ValueError, match="30s"):
        seconds(text)
