"""Bytes and numbers as text, each with exactly one spelling: whatever has two could be changed and still pass."""

import re
from binascii import a2b_base64, b2a_base64

# What is not of the other alphabet becomes what binascii refuses.
FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
TO_URL = bytes.maketrans(b"+/", b"-_")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


def to_b64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def from_b64(text: str) -> bytes:
    return _canonical(text.encode())


def to_url(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(TO_URL).rstrip(b"=")


def from_url(text: bytes) -> bytes:
    return _canonical(text.translate(FROM_URL) + b"=" * (-len(text) % 4))


def _canonical(text: bytes) -> bytes:
    """Strict about letters and padding; the bits beyond the last octet show when it is encoded again."""
    data = a2b_base64(text, strict_mode=True)
    if b2a_base64(data, newline=False) != text:
        raise ValueError("not canonical base64")
    return data


def decimal(text: str) -> int:
    """ASCII digits, no sign, no leading zero, below 2^63."""
    if not DECIMAL.fullmatch(text) or (number := int(text)) >= 2**63:
        raise ValueError("not a decimal")
    return number
