"""The local issuer's signing keys: a folder of RSA keys, the newest signs, the ones before it are still published."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import RSAAlgorithm


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    private: RSAPrivateKey
    public: dict[str, Any]

    @classmethod
    def of(cls, private: RSAPrivateKey) -> Self:
        jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
        members = {name: jwk[name] for name in ("e", "kty", "n")}
        kid = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).hexdigest()[:16]
        return cls(private, members | {"kid": kid, "alg": "RS256", "use": "sig"})


class Signer:
    """RS256, as the platforms' issuers do. The keys lie in a folder, so a restart keeps them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._keys = [SigningKey.of(read(path)) for path in self._paths()]
        if not self._keys:
            self.rotate()

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.public for key in self._keys]}

    def sign(self, claims: dict[str, Any]) -> str:
        key = self._keys[-1]
        return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.public["kid"]})

    def rotate(self, keep: int = 1) -> None:
        """A new key signs from now on; of the old ones the last `keep` stay published for the tokens they signed."""
        private = generate_private_key(65537, 2048)
        paths = self._paths()
        following = int(paths[-1].stem) + 1 if paths else 1
        write(self._folder / f"{following:08}.pem", private)
        self._keys.append(SigningKey.of(private))
        retired = len(self._keys) - keep - 1
        for path in self._paths()[: max(retired, 0)]:
            path.unlink()
        self._keys = self._keys[-keep - 1 :]

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.pem"))


def read(path: Path) -> RSAPrivateKey:
    private = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, RSAPrivateKey):
        raise TypeError(f"{path.name} is no RSA key")
    return private


def write(path: Path, private: RSAPrivateKey) -> None:
    """Whole or not at all: a key cut short by a crash would stop every later start."""
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
