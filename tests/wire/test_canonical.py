"""One spelling out, and strictly in."""

import enum
import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.wire.canonical import NotCanonical, NotJson, canonical, digest, strict_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SAFE = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(st.none() | st.booleans() | SAFE | TEXT, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
ASCII = st.recursive(
    SAFE | st.text(st.characters(codec="ascii")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="ascii")), inner, max_size=4),
)


@given(VALUES | ASCII)
def test_canonical_is_what_the_rfc8785_library_writes(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_is_written_canonically_is_read_back_strictly(value: Any) -> None:
    assert strict_json(canonical(value)) == value


def test_keys_are_sorted_by_utf16_as_in_rfc_8785() -> None:
    """The example of section 3.2.3."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\xf6"]
    assert list(json.loads(canonical(dict.fromkeys(names)))) == ["\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]


def test_strings_are_escaped_as_in_rfc_8785() -> None:
    """The example of section 3.2.2.2."""
    assert canonical('\u20ac$\x0f\nA\'B"\\\\"/') == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


def test_a_string_enum_is_written_as_its_value() -> None:
    class Colour(enum.StrEnum):
        RED = "red"

    assert canonical({"a": Colour.RED, "b": ["\u20ac", Colour.RED]}) == '{"a":"red","b":["€","red"]}'.encode()


@pytest.mark.parametrize("value", [1.0, float("nan"), 2**53, -(2**53), "\ud800", {"\ud800": 1}, b"bytes", {1, 2}, {7: "seven"}, {None: 1}, object()])
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": [v]}, lambda v: {"\u20ac": (v,)}])
def test_what_has_no_canonical_form_is_refused(value: Any, wrap: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical(wrap(value))


def test_a_value_without_an_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NotCanonical, match="too deep"):
        canonical(endless)


def test_the_greatest_safe_integer_passes() -> None:
    assert canonical([2**53 - 1, 1 - 2**53, True]) == b"[9007199254740991,-9007199254740991,true]"


def test_a_digest_is_lower_case_hex_sha256() -> None:
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()


BAD = {
    "bom": (b'\xef\xbb\xbf{"canary":1}', "byte order mark"),
    "not utf-8": (b'{"canary":"\xff"}', "not UTF-8"),
    "utf-16": ('{"canary":1}'.encode("utf-16-le"), "not JSON"),
    "surrogate bytes": (b'{"canary":"\xed\xa0\x80"}', "not UTF-8"),
    "lone surrogate": (b'{"canary":"\\ud800"}', "lone surrogate"),
    "lone surrogate in a name": (b'{"canary\\udc00":1}', "lone surrogate"),
    "member twice": (b'{"canary":1,"canary":1}', "duplicate member"),
    "member twice by an escape": (b'{"a":1,"\\u0061":"canary"}', "duplicate member"),
    "member twice, deep": (b'[[{"x":[{"canary":1,"b":2,"canary":3}]}]]', "duplicate member"),
    "nan": (b'{"canary":NaN}', "NaN or Infinity"),
    "infinity": (b"[-Infinity]", "NaN or Infinity"),
    "infinite by size": (b'{"canary":1e999}', "number out of range"),
    "empty": (b"", "not JSON"),
    "trailing": (b'{"canary":1} x', "not JSON"),
    "comma": (b'{"canary":1,}', "not JSON"),
    "single quotes": (b"{'canary':1}", "not JSON"),
    "control character": (b'"canary\n"', "not JSON"),
    "endless number": (b'{"canary":' + b"9" * 5000 + b"}", "not JSON"),
    "33 deep": (b"[" * 33 + b"]" * 33, "too deep"),
    "33 deep in objects": (b'{"canary":' * 33 + b"1" + b"}" * 33, "too deep"),
    "33 deep, mixed": (b'[{"canary":' * 16 + b"[]" + b"}]" * 16, "too deep"),
    "100,000 deep": (b"[" * 100_000, "too deep"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_strict_json_is_refused_and_never_quoted(name: str) -> None:
    data, reason = BAD[name]
    with pytest.raises(NotJson, match=f"^{reason}$") as caught:
        strict_json(data)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"[" * 32 + b"]" * 32, None),
        (b"[" * 32 + b"1" + b"]" * 32, None),
        (b"[" * 31 + b"[],[]" + b"]" * 31, None),
        (b"[" + b",".join([b"[]"] * 100) + b"]", [[]] * 100),
        (b' {"a" : [1, 2.5, -0, true, null]}\r\n', {"a": [1, 2.5, 0, True, None]}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('{"€":"\\u20ac"}'.encode(), {"\u20ac": "\u20ac"}),
    ],
)
def test_good_json_is_read(data: bytes, value: Any) -> None:
    assert strict_json(data) == (json.loads(data) if value is None else value)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        value = strict_json(data)
    except NotJson:
        return
    assert value == json.loads(data)
