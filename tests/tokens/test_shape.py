"""Bytes, base64url and JSON: security of the first three steps, before any key is asked."""

import json

import pytest

from counterfoil_server.runtime.tokens.rejected import Rejected
from counterfoil_server.runtime.tokens.shape import LARGEST, shape
from tests.tokens.forge import MINE, accepted, b64, dumps, refusal, signed, token

HEAD = dumps({"alg": "RS256", "kid": "rsa"})
BODY = dumps(MINE)
GOOD = token()
FIRST, SECOND, THIRD = GOOD.split(b".")


def as_body(text: str | bytes) -> bytes:
    """A good signature over a body that is not."""
    return signed(HEAD, text.encode() if isinstance(text, str) else text)


def member(text: str) -> bytes:
    return as_body(BODY[:-1].decode() + ", " + text + "}")


BYTES = {
    "empty": b"",
    "dots only": b"..",
    "one part": FIRST,
    "two parts": FIRST + b"." + SECOND,
    "four parts": GOOD + b".AAAA",
    "five parts, as JWE": GOOD + b".AAAA.AAAA",
    "no header": b"." + SECOND + b"." + THIRD,
    "no payload (detached)": FIRST + b".." + THIRD,
    "no signature": FIRST + b"." + SECOND + b".",
    "dot in front": b"." + GOOD,
    "dot behind": GOOD + b".",
    "space in front": b" " + GOOD,
    "newline behind": GOOD + b"\n",
    "newline within": GOOD[:40] + b"\n" + GOOD[40:],
    "tab within": GOOD[:40] + b"\t" + GOOD[40:],
    "NUL behind": GOOD + b"\0",
    "Bearer in front": b"Bearer " + GOOD,
    "quoted": b'"' + GOOD + b'"',
    "not ASCII": GOOD[:-1] + "é".encode(),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "BOM in front": b"\xef\xbb\xbf" + GOOD,
    "padded header": b64(HEAD + b"  ") + b"=." + SECOND + b"." + THIRD,
    "padded signature": GOOD + b"==",
    "percent-encoded": GOOD.replace(b".", b"%2E"),
    "standard base64": FIRST + b"." + SECOND + b"." + b"+/" + THIRD[2:],
    "five characters": FIRST + b"." + SECOND + b"." + THIRD + b"AAA",
    "JSON serialization": json.dumps({"protected": FIRST.decode(), "payload": SECOND.decode(), "signature": THIRD.decode()}).encode(),
}


@pytest.mark.parametrize("raw", BYTES.values(), ids=BYTES.keys())
def test_bytes_that_are_no_compact_jws_are_malformed(raw: bytes):
    assert refusal(raw) == "malformed"


@pytest.mark.parametrize("cut", range(1, len(GOOD), 61))
def test_a_token_cut_short_is_rejected(cut: int):
    assert refusal(GOOD[:cut]) in {"malformed", "bad_signature"}


def test_base64url_that_is_not_canonical_is_malformed():
    for part in range(3):
        parts = GOOD.split(b".")
        parts[part] = loosened(parts[part])
        if parts[part] != GOOD.split(b".")[part]:
            assert refusal(b".".join(parts)) == "malformed"
    assert loosened(THIRD) != THIRD, "256 octets leave two bits unused: at least the signature was tried"


def loosened(text: bytes) -> bytes:
    """The same octets in another text, where there is one."""
    if len(text) % 4 in {0, 1}:
        return text
    return text[:-1] + bytes([text[-1] + 1])


JSON = {
    "duplicate issuer": member('"iss": "https://issuer.example"'),
    "duplicate in depth": member('"a": {"b": 1, "b": 2}'),
    "duplicate in a list": member('"a": [{"b": 1, "b": 1}]'),
    "duplicate by escape": member('"\\u0061ud": "x"'),
    "NaN": member('"a": NaN'),
    "Infinity": member('"a": Infinity'),
    "-Infinity": member('"a": -Infinity'),
    "a number beyond all floats": member('"a": 1e999'),
    "a number of 5000 digits": member('"a": ' + "9" * 5000),
    "leading zero": member('"a": 01'),
    "plus sign": member('"a": +1'),
    "hexadecimal": member('"a": 0x10'),
    "lone surrogate": member('"a": "\\ud800"'),
    "lone surrogate as a name": member('"\\udc00": 1'),
    "surrogate in depth": member('"a": [{"b": ["\\udfff"]}]'),
    "surrogate encoded": as_body(BODY[:-1] + b', "a": "\xed\xa0\x80"}'),
    "NUL": member('"a": "\\u0000"'),
    "raw control character": as_body(BODY[:-1] + b', "a": "\x01"}'),
    "overlong UTF-8": as_body(BODY[:-1] + b', "a": "\xc0\xaf"}'),
    "Latin-1": as_body(BODY[:-1] + b', "a": "\xe9"}'),
    "UTF-16": as_body(BODY.decode().encode("utf-16")),
    "UTF-32": as_body(BODY.decode().encode("utf-32-le")),
    "BOM": as_body(b"\xef\xbb\xbf" + BODY),
    "trailing comma": as_body(BODY[:-1] + b",}"),
    "comment": as_body(BODY[:-1] + b"/* */}"),
    "single quotes": as_body(BODY.replace(b'"', b"'")),
    "a second object behind": as_body(BODY + BODY),
    "something behind": as_body(BODY + b" x"),
    "NUL behind": as_body(BODY + b"\0"),
    "cut off": as_body(BODY[:-1]),
    "a list": as_body(b"[" + BODY + b"]"),
    "a string": as_body(b'"iss"'),
    "null": as_body(b"null"),
    "a number": as_body(b"1"),
    "blank": as_body(b" "),
    "no JSON": as_body(b"iss=https://issuer.example"),
    "too deep": member('"a": ' + "[" * 17 + "]" * 17),
    "too deep in objects": member('"a": ' + '{"a":' * 17 + "1" + "}" * 17),
    "very deep": member('"a": ' + "[" * 4000 + "]" * 4000),
    "very deep and never closed": as_body(b'{"a":' * 1700),
    "brackets without end": as_body(b"[" * 9000),
}


@pytest.mark.parametrize("raw", JSON.values(), ids=JSON.keys())
def test_json_with_two_readings_or_none_is_malformed(raw: bytes):
    assert refusal(raw) == "malformed"


@pytest.mark.parametrize("raw", [signed(part, BODY) for part in (b"[]", b"null", b'{"alg":"RS256","alg":"RS256"}', b'{"alg":"RS256","kid":NaN}')])
def test_a_header_is_read_as_strictly(raw: bytes):
    assert refusal(raw) == "malformed"


def test_brackets_in_a_string_are_not_depth():
    assert accepted(token(note="[{" * 50 + '"\\'))["note"] == "[{" * 50 + '"\\'


def test_depth_is_counted_outside_of_strings_only():
    assert refusal(member('"a": ["\\"", ' + "[" * 17 + "]" * 17 + "]")) == "malformed"


def test_pairs_of_surrogates_are_characters():
    assert accepted(member('"a": "\\ud83d\\ude00"'))["a"] == "\N{GRINNING FACE}"


@pytest.mark.parametrize("size", [LARGEST + 1, 2_000_000])
def test_a_token_too_large_is_refused_before_it_is_read(size: int):
    assert refusal(b"A" * size) == "oversized"
    assert refusal(GOOD + b"A" * size) == "oversized"


def test_the_largest_token_is_still_read():
    with pytest.raises(Rejected) as caught:
        shape(b"A" * LARGEST)
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("thing", [None, 5, "a.b.c", [b"a"], {}, Ellipsis], ids=repr)
def test_what_is_not_even_bytes_is_malformed(thing: object):
    with pytest.raises(Rejected) as caught:
        shape(thing)  # type: ignore[arg-type]
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("issuer", [..., None, "", 5, True, ["https://issuer.example"], {"iss": 1}], ids=repr)
def test_an_issuer_that_is_no_string_is_rejected(issuer: object):
    assert refusal(token(iss=issuer)) == "bad_claims"
