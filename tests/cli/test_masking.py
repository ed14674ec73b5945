"""Masking: whatever the chunks, no value comes through, and everything else does."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.cli.masking import MASK, Mask, spellings

SECRET = "ghs_s3cret/with+signs="
TEXTS = st.text("ab", max_size=40)


def masked(values: list[str], chunks: list[bytes]) -> bytes:
    mask = Mask(values)
    return b"".join([*(mask.feed(chunk) for chunk in chunks), mask.end()])


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_value_is_blotted_out_wherever_the_chunks_end(spelling: str, size: int):
    text = f"before {spelling} after".encode()
    chunks = [text[at : at + size] for at in range(0, len(text), size)]

    assert masked([SECRET], chunks) == b"before " + MASK + b" after"


def test_what_only_began_like_a_value_comes_through():
    assert masked([SECRET], [b"ghs_s3", b"cret/without"]) == b"ghs_s3cret/without"
    assert masked([SECRET], [b"ghs_s3"]) == b"ghs_s3"


def test_what_surely_is_no_value_is_not_kept_back():
    mask = Mask([SECRET])

    assert mask.feed(b"line\n") == b"line\n"
    assert mask.feed(b"gh") == b""
    assert mask.feed(b"x") == b"ghx"


def test_a_value_that_stands_in_another_hides_it_whole():
    assert masked(["password-1", "postgresql://u:password-1@h"], [b"postgresql://u:passw", b"ord-1@h!"]) == MASK + b"!"


def test_a_value_that_is_too_short_is_left():
    assert masked(["12345"], [b"port 12345"]) == b"port 12345"
    assert spellings(["12345"]) == frozenset()


def test_without_values_everything_comes_through():
    assert masked([], [b"a", b"b"]) == b"ab"


@given(st.lists(st.text("ab", min_size=6, max_size=9), min_size=1, max_size=3), TEXTS, st.integers(1, 7))
@example(["ababab"], "ababababab", 1)
def test_no_value_comes_through_and_chunks_change_nothing(values: list[str], text: str, size: int):
    chunks = [text.encode()[at : at + size] for at in range(0, len(text), size)]
    out = masked(values, chunks)

    assert not any(value.encode() in out for value in values)
    assert out == masked(values, [text.encode()])


@given(st.lists(st.text("ab", min_size=6, max_size=9), min_size=1, max_size=3), TEXTS)
def test_what_is_no_value_stays(values: list[str], text: str):
    covered = {at + place for value in values for at in range(len(text)) if text.startswith(value, at) for place in range(len(value))}
    left = "".join(letter for place, letter in enumerate(text) if place not in covered)

    assert masked(values, [text.encode()]).replace(MASK, b"").decode() == left
