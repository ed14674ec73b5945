"""LogKey and vkey, against the known key of Go's note package (golang.org/x/mod/sumdb/note)."""

import base64
import copy
import pickle

import pytest

from counterfoil.wire.log_key import LogKey, VKey

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""


def test_a_key_has_the_vkey_and_signs_the_note_that_go_does() -> None:
    key = LogKey("PeterNeumann", PRIVATE)
    assert key.vkey == VKEY
    text = NOTE[: NOTE.index("\u2014")]
    assert key.cosign(text) == NOTE


def test_a_vkey_is_read() -> None:
    key = VKey.parse(VKEY)
    assert (key.name, key.key_id.hex()) == ("PeterNeumann", "c74f20a3")


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("c74f20a3", "C74F20A3"),
        VKEY.replace("PeterNeumann", "PeterNeumanN"),
        VKEY.replace("PeterNeumann", "Peter Neumann"),
        VKEY.replace("PeterNeumann", ""),
        VKEY[:-4],
        VKEY + "=",
        VKEY[:-1] + "X",
        VKEY.replace("+A", "+B"),  # the same key said to be of another kind
    ],
)
def test_a_malformed_vkey_is_refused(vkey: str) -> None:
    with pytest.raises(ValueError):
        VKey.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\x00b"])
def test_a_name_that_no_note_may_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        LogKey.generate(name)


@pytest.mark.parametrize("origin", ["", "a\nb", "a\x00b"])
def test_an_origin_is_one_line(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        LogKey("log", PRIVATE).sign(origin, 1, bytes(32))


def test_a_key_comes_back_from_its_bytes_and_does_not_show() -> None:
    key = LogKey.generate("log.example/1")
    assert LogKey("log.example/1", key.private_bytes()).vkey == key.vkey
    assert repr(key) == f"LogKey(log.example/1, {key.key_id.hex()})"
    for store in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            store(key)
