"""An issuer's key set (RFC 7517 section 5), read once, and the choice of one key in it."""

import hashlib
from typing import Self

from counterfoil_server.runtime.tokens.key import Key, key
from counterfoil_server.runtime.tokens.notation import json_object
from counterfoil_server.runtime.tokens.rejected import Rejected

LARGEST = 256 * 1024
MOST = 64


class KeySet:
    """`thumbprint` is the SHA-256 of the bytes as they came: what a decision records, so that replay can name the set."""

    def __init__(self, thumbprint: str, keys: list[tuple[object, Key | str]]) -> None:
        self.thumbprint = thumbprint
        self._only = keys[0][1] if len(keys) == 1 else None
        self._by_kid = {kid: found for kid, found in keys if isinstance(kid, str)}

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """A fault of one key is kept with that key: an odd key that nobody uses does not spoil the set."""
        if len(raw) > LARGEST:
            raise Rejected("bad_key", f"a key set has at most {LARGEST} bytes")
        try:
            jwks = json_object(raw).get("keys")
        except Exception:  # noqa: BLE001 what came from outside is refused, whatever the parser makes of it
            raise Rejected("bad_key", "the key set is no strict JSON") from None
        if not isinstance(jwks, list) or len(jwks) > MOST:
            raise Rejected("bad_key", f"a key set is a list of at most {MOST} keys")
        if any(not isinstance(jwk, dict) or jwk.get("kty") == "oct" for jwk in jwks):
            raise Rejected("bad_key", "the key set has a secret or a thing that is no key")
        kids = [jwk["kid"] for jwk in jwks if isinstance(jwk.get("kid"), str)]
        if len(set(kids)) != len(kids):
            raise Rejected("bad_key", "a kid occurs twice in the key set")
        return cls(hashlib.sha256(raw).hexdigest(), [(jwk.get("kid"), read(jwk)) for jwk in jwks])

    def __contains__(self, kid: str | None) -> bool:
        return self._only is not None if kid is None else kid in self._by_kid

    def key(self, kid: str | None, alg: str) -> Key:
        """The one key that the token may be signed with: kid is an opaque name, and without one there must be no choice."""
        found = self._only if kid is None else self._by_kid.get(kid)
        if found is None:
            raise Rejected("unknown_key", "the issuer has no such key, or kid is missing and the issuer has not exactly one")
        if isinstance(found, str):
            raise Rejected("bad_key", f"the issuer's key is not fit for use: {found}")
        if alg not in found.algorithms:
            raise Rejected("bad_key", "the issuer's key is not for this algorithm")
        return found


def read(jwk: dict[str, object]) -> Key | str:
    try:
        return key(jwk)
    except (ValueError, TypeError) as fault:
        return str(fault)
    except Exception:  # noqa: BLE001 whatever an odd key raises concerns that key only
        return "it cannot be read"
