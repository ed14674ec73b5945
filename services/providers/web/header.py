"""Secrets that end in a header: of our own requests, or of whoever was lent one."""

from counterfoil.wire.secret import Secret
from services.providers.seam import Refused

LONGEST = 4096


def printable(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isascii() and text.isprintable() and " " not in text


def carried(secret: Secret) -> str:
    """Raises Refused where no header can carry it."""
    try:
        text = secret.text()
    except ValueError:
        text = ""
    if not printable(text):
        raise Refused("bad_key", "the root secret is nothing that a header can carry: one word of printable ASCII, at most 4096 characters")
    return text
