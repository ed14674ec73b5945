"""Signatures already found good: platforms send one token many times, and the maths is most of what the gate costs."""

import hashlib
import hmac
from collections import OrderedDict

from counterfoil.contracts.registry import Issuer
from counterfoil_server.runtime.tokens.key import Key
from counterfoil_server.runtime.tokens.keyset import KeySet
from counterfoil_server.runtime.tokens.shape import Unverified


class Signatures:
    """Holds "this signature is good under that key" and nothing else: times, issuer entry and claims are looked at every time."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._good: OrderedDict[tuple[str, bytes], tuple[bytes, str]] = OrderedDict()
        self._under: dict[str, tuple[str, Issuer]] = {}

    def __len__(self) -> int:
        return len(self._good)

    def verifies(self, token: Unverified, issuer: Issuer, keys: KeySet, key: Key) -> bool:
        """The signature is part of the question: signing inputs alone are what redacting logs leave behind."""
        self._settle(issuer, keys)
        about = (issuer.issuer, hashlib.sha256(token.signing_input).digest())
        signature, thumbprint = self._good.get(about, (b"", ""))
        if hmac.compare_digest(signature, token.signature) and thumbprint == key.thumbprint:
            self._good.move_to_end(about)
            return True
        if not key.verifies(str(token.header["alg"]), token.signing_input, token.signature):
            return False
        self._good[about] = (token.signature, key.thumbprint)
        self._good.move_to_end(about)
        if len(self._good) > self._most:
            self._good.popitem(last=False)
        return True

    def _settle(self, issuer: Issuer, keys: KeySet) -> None:
        """Under other keys or another entry all is to be proven again."""
        before = self._under.get(issuer.issuer)
        if before is not None and before[0] == keys.thumbprint and (before[1] is issuer or before[1] == issuer):
            return
        self._under[issuer.issuer] = (keys.thumbprint, issuer)
        for about in [about for about in self._good if about[0] == issuer.issuer]:
            del self._good[about]
