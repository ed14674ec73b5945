"""Secrets at rest: each under a data key of its own, which the key-encryption key of a file wraps, bound to the place where it lies."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.keys import NoKey
from services.providers.seam import Unavailable

NONCE = 12


@dataclass(frozen=True, slots=True)
class Wrapped:
    """As it lies in a row: columns kek_id, wrapped_key, nonce, box."""

    kek_id: str
    wrapped_key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    box: bytes = field(repr=False)


class Envelope:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keks = dict(key_folder.each(folder, "kek"))

    def demand(self, used: frozenset[str]) -> None:
        """Raises NoKey where something lies under a key-encryption key that is not here: better not to start than to refuse every mint."""
        if missing := used - self._keks.keys():
            raise NoKey(f"secrets lie under kek-{', kek-'.join(sorted(missing))}, which is not in {self._folder}")
        if not self._keks:
            raise NoKey(f"there is no key-encryption key, kek-*.key, in {self._folder}")

    def wrap(self, secret: Secret, info: bytes) -> Wrapped:
        kek_id = max(self._keks)
        data_key, nonce, wrap_nonce = AESGCM.generate_key(256), os.urandom(NONCE), os.urandom(NONCE)
        wrapped = wrap_nonce + AESGCM(self._keks[kek_id].reveal()).encrypt(wrap_nonce, data_key, info)
        return Wrapped(kek_id, wrapped, nonce, AESGCM(data_key).encrypt(nonce, secret.reveal(), info))

    def unwrap(self, row: Mapping[str, Any], info: bytes) -> Secret:
        """Raises Unavailable where its key is not here, or the row is another place's."""
        kek = self._keks.get(row["kek_id"])
        if kek is None:
            raise Unavailable("no_kek", "the key-encryption key of this secret is not in the folder")
        try:
            data_key = AESGCM(kek.reveal()).decrypt(row["wrapped_key"][:NONCE], row["wrapped_key"][NONCE:], info)
            return Secret(AESGCM(data_key).decrypt(row["nonce"], row["box"], info))
        except InvalidTag:
            raise Unavailable("wrong_root_secret", "this secret belongs to another place, or was changed") from None
