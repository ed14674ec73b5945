"""Bytes and numbers as text, each with exactly one spelling: whatever has two could be changed and still pass."""

import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode

DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


def to_b64(data: bytes) -> str:
    return b64encode(data).decode()


def from_b64(text: str) -> bytes:
    data = b64decode(text, validate=True)
    if b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data


def to_url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def from_url(text: bytes) -> bytes:
    data = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    if urlsafe_b64encode(data).rstrip(b"=") != text:  # urlsafe_b64decode skips foreign letters: this finds them
        raise ValueError("not canonical base64url")
    return data


def decimal(text: str) -> int:
    """ASCII digits, no sign, no leading zero, below 2^63."""
    if not DECIMAL.fullmatch(text) or (number := int(text)) >= 2**63:
        raise ValueError("not a decimal")
    return number
