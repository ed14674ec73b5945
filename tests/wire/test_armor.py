"""Each value has exactly one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.wire.armor import decimal, from_b64, from_url, to_b64, to_url


@given(st.binary())
def test_bytes_come_back(data: bytes) -> None:
    assert from_b64(to_b64(data)) == data
    assert from_url(to_url(data)) == data


@pytest.mark.parametrize("text", ["YQ", "YR==", "YQ==\n", " YQ==", "YQ=a", "-_-_", "YQ==YQ==", "é", "Y", "="])
def test_another_spelling_of_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        from_b64(text)


@pytest.mark.parametrize("text", [b"YQ==", b"YR", b"YQ\n", b"Y.Q", b"+/+/", b"Y", b"\xc3\xa9", b"="])
def test_another_spelling_of_base64url_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        from_url(text)


@given(st.binary(max_size=12))
def test_what_is_read_as_base64url_is_written_alike(text: bytes) -> None:
    try:
        data = from_url(text)
    except ValueError:
        return
    assert to_url(data) == text


@pytest.mark.parametrize("text", ["", "-1", "+1", "01", "00", "1 ", "1_0", "٣", "²", "0x1", "1.0", str(2**63), "9" * 5000])
def test_another_spelling_of_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal"):
        decimal(text)


@pytest.mark.parametrize("number", [0, 1, 10, 2**63 - 1])
def test_a_number_is_read(number: int) -> None:
    assert decimal(str(number)) == number
