"""SCRAM-SHA-256 (RFC 5802, RFC 7677): what a server keeps in the place of a password, so that it never sees the password."""

import hashlib
import hmac
from base64 import b64encode


def verifier(password: bytes, salt: bytes, iterations: int) -> str:
    """In PostgreSQL's spelling. The password must be printable ASCII: SASLprep leaves that as it is."""
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{b64encode(salt).decode()}${b64encode(stored).decode()}:{b64encode(server).decode()}"
