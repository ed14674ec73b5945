"""How a subject travels: as a keyed digest that no one without the key can match with a name."""

import hashlib
import hmac

from counterfoil.wire.secret import Secret


def sub_hash(key: Secret, issuer: str, sub: str) -> str:
    """HMAC-SHA-256 over issuer, a zero byte and subject, in hex. The key is the verifier's and the gateway's, and is never rotated."""
    return hmac.new(key.reveal(), issuer.encode() + b"\x00" + sub.encode(), hashlib.sha256).hexdigest()


def lookup(key: Secret, secret: Secret) -> str:
    """The digest by which a credential can be found again (RFC 7009 by token), under the key of mint and gateway."""
    return hmac.new(key.reveal(), secret.reveal(), hashlib.sha256).hexdigest()
