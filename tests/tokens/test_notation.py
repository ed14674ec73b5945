"""base64url and JSON, against what the standard library makes of the same text."""

import json
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from counterfoil_server.runtime.tokens.notation import DEPTH, base64url, json_object

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize("size", [*range(12), 31, 32, 33, 255, 256, 257])
def test_what_was_encoded_is_decoded(size: int):
    value = random.Random(size).randbytes(size)  # noqa: S311 an example, no secret
    assert base64url(urlsafe_b64encode(value).rstrip(b"=")) == value


@pytest.mark.parametrize("before", [b"", b"A", b"AA", b"AAA"])
def test_a_text_is_taken_only_if_encoding_again_gives_it(before: bytes):
    for octet in range(256):
        text = before + bytes([octet])
        assert taken(text) == canonical(text), text


def canonical(text: bytes) -> bool:
    """By the standard library, which reads much more than it writes."""
    try:
        return urlsafe_b64encode(urlsafe_b64decode(text + b"=" * (-len(text) % 4))).rstrip(b"=") == text
    except ValueError:
        return False


def test_of_each_length_as_many_texts_are_taken_as_there_are_octets():
    """Two characters say one octet: of 64 * 64 texts 256 are canonical; three say two."""
    pairs = [bytes([a, b]) for a in ALPHABET for b in ALPHABET]
    assert sum(taken(text) for text in pairs) == 256
    assert sum(taken(b"A" + text) for text in pairs) == 65536 // 64
    assert not any(taken(bytes([a])) for a in ALPHABET)


def taken(text: bytes) -> bool:
    try:
        return bool(base64url(text))
    except ValueError:
        return False


@pytest.mark.parametrize("value", [[], None, "x", 1, True], ids=repr)
def test_what_is_no_object_is_refused(value: object):
    with pytest.raises(TypeError):
        json_object(json.dumps(value).encode())


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_is_bounded_exactly(opening: str):
    def nested(deep: int) -> bytes:
        closing = {"[": "]", '{"a":': "}"}[opening]
        return b'{"a":' + (opening * deep + "1" + closing * deep).encode() + b"}"

    assert json_object(nested(DEPTH - 1))
    with pytest.raises(ValueError, match="deep"):
        json_object(nested(DEPTH))


def test_many_brackets_side_by_side_are_not_deep():
    assert json_object(b'{"a": [' + b"[], " * 100 + b"{}]}")
