"""How an app's end user is named on the wire: by a digest, since their id may be an e-mail address, and a log is for ever."""

import hashlib

LONGEST = 256


def digest(user: str, issuer: str | None = None) -> str:
    """SHA-256, lower-case hex. `user`: the id that the app, or `issuer`, knows them by; 1 to 256 characters. Raises ValueError.

    It hides the id from who reads the log; it does not hide it from who can guess it.
    """
    if not 1 <= len(user) <= LONGEST or len(issuer or "") > LONGEST:
        raise ValueError(f"a user's id, and its issuer, has 1 to {LONGEST} characters")
    known_by = (issuer or "").encode()
    return hashlib.sha256(b"counterfoil/user/v1\x00" + len(known_by).to_bytes(2) + known_by + user.encode()).hexdigest()
