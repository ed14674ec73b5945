"""What a browser holds: 32 random bytes. All else is made of them, so that who reads the tables can be nobody."""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.requests import Request
from starlette.responses import Response

from counterfoil.wire.secret import Secret

SIZE, NONCE = 32, 12


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """`id` is what the table calls the session; `made` are keys of it for one purpose each (RFC 5869), so that a row opens with no other."""

    secret: Secret

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.secret.reveal()).digest()

    @property
    def csrf(self) -> str:
        return text(self.made(b"csrf"))

    def made(self, purpose: bytes) -> bytes:
        return HKDF(SHA256(), 32, None, b"counterfoil/console/session/" + purpose).derive(self.secret.reveal())

    def seal(self, token: Secret) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + AESGCM(self.made(b"token")).encrypt(nonce, token.reveal(), None)

    def open(self, sealed: bytes) -> Secret | None:
        """None where it was sealed for another session, or was changed."""
        try:
            return Secret(AESGCM(self.made(b"token")).decrypt(sealed[:NONCE], sealed[NONCE:], None))
        except (InvalidTag, ValueError):
            return None


def fresh() -> Held:
    return Held(Secret(secrets.token_bytes(SIZE)))


def text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def octets(given: str) -> bytes | None:
    """32 bytes, or None."""
    try:
        found = urlsafe_b64decode(given.encode("ascii") + b"=")
    except ValueError:
        return None
    return found if len(found) == SIZE and text(found) == given else None


@dataclass(frozen=True, slots=True)
class Jar:
    """One cookie. Over https its name says that no other host may set it; a browser takes the prefix only with Secure and Path=/ (RFC 6265bis)."""

    name: str
    secure: bool

    @classmethod
    def of(cls, name: str, url: str) -> "Jar":
        secure = url.startswith("https://")
        return cls(f"__Host-{name}" if secure else name, secure)

    def read(self, request: Request) -> str:
        return request.cookies.get(self.name, "")

    def put(self, answer: Response, value: str, seconds: int) -> None:
        """Lax: with Strict a browser that comes back from the issuer, or by a link in a message, would seem not to be signed in."""
        answer.set_cookie(self.name, value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax")

    def clear(self, answer: Response) -> None:
        answer.delete_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="lax")
