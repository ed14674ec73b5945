"""The other side of a request, by the same primitives and with real keys: mint's box, audit's log of a few leaves, the sealed reply."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil.contracts.exchange_minted import CredentialMinted, credential_id
from counterfoil.contracts.exchange_replied import Answer
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.canonical import canonical, digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash, path, root
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.receipt import write_proof
from counterfoil.wire.sealing import Sealer

ORIGIN = "log.test"
DSN = "postgresql://cf_1:canary-of-the-secret@127.0.0.1:5432/demo"
PARTS = {"username": "cf_1", "password": "canary-of-the-secret", "host": "127.0.0.1", "port": "5432", "database": "demo"}
SECRET = json.dumps({"access_token": DSN, "token_type": "N_A", "credential": PARTS}).encode()


@dataclass
class Town:
    """Verifier, mint and audit in a few lines."""

    log_key: LogKey = field(default_factory=lambda: LogKey.generate(ORIGIN))
    verifier: OpeningKey = field(default_factory=OpeningKey.generate)
    sealer: Sealer = field(default_factory=Sealer)
    leaves: list[bytes] = field(default_factory=list)

    def well_known(self, **members: Any) -> dict[str, Any]:
        key = {"kid": self.verifier.kid, "key": to_url(self.verifier.public).decode()}
        return {"audience": "http://gateway", "origin": ORIGIN, "topics_prefix": "counterfoil", "partitions": 4, "verifier_key": key, "mint_key": key,
                "log_keys": [self.log_key.vkey]} | members  # fmt: skip

    def append(self, fact: dict[str, Any]) -> str:
        """The leaf. Some others are in the log already, so that its path is not empty."""
        while len(self.leaves) < 2:
            self.leaves.append(f'{{"fact":{{"kind":"other"}},"seq":{len(self.leaves)}}}'.encode())
        leaf = canonical({"v": 1, "seq": len(self.leaves), "prev": "0" * 64, "time": "2026-11-24T12:00:00.000000Z", "fact": fact})
        self.leaves.append(leaf)
        return leaf.decode()

    def proof(self, leaf: str) -> str:
        hashes = [leaf_hash(one) for one in self.leaves]
        index = self.leaves.index(leaf.encode())
        return write_proof(index, path(index, hashes), self.log_key.sign(ORIGIN, len(hashes), root(hashes)))

    def receipt(self, leaf: str) -> dict[str, Any]:
        return {"index": self.leaves.index(leaf.encode()), "leaf": leaf, "proof": self.proof(leaf)}

    def box(self, request_hash: str, requester_key: str, secret: bytes = SECRET) -> str:
        """Mint's own."""
        info = binding.credential(request_hash, credential_id(request_hash, 1), "d" * 64)
        return to_url(self.sealer.seal(secret, from_url(requester_key.encode()), info)).decode()

    def reply(self, request_hash: str, requester_key: str, answer: Answer) -> str:
        """Audit's."""
        return to_url(self.sealer.seal(encode(answer), from_url(requester_key.encode()), binding.answer(request_hash))).decode()


def asked(request_id: UUID, request_hash: str, requester_key: str) -> dict[str, Any]:
    return {
        "request_id": str(request_id), "request_hash": request_hash, "wish_hash": "b" * 64, "requester_key": requester_key,
        "reply_to": {"partition": 0, "instance": "i"}, "deadline": "2026-11-24T12:00:10Z", "connector": "postgres/demo",
    }  # fmt: skip


def minted(about: dict[str, Any], box: str) -> dict[str, Any]:
    """As it stands in a leaf: the box by its hash."""
    at = datetime.now(UTC)
    fact = CredentialMinted.model_validate({
        "id": UUID(int=7), "at": at, "asked": about, "credential_id": credential_id(about["request_hash"], 1), "attempt": 1,
        "connector": "postgres/demo", "installation": "main", "issuer": "https://issuer.example", "sub_hash": "c" * 64, "project": "web",
        "environment": "production", "scopes": ["read"], "expires_at": at + timedelta(minutes=5), "token_type": "N_A", "revocation": "by_name",
        "reach": "credential", "epoch": 1, "decision_hash": "d" * 64, "cred_digest": "e" * 64, "box": box,
    })  # fmt: skip
    return json.loads(encode(fact)) | {"box": {"sha256": digest(box.encode())}}  # type: ignore[no-any-return]


def no(about: dict[str, Any], kind: str = "grant.denied", code: str = "no_link", **members: Any) -> dict[str, Any]:
    return {"kind": kind, "id": str(UUID(int=8)), "at": "2026-11-24T12:00:00Z", "asked": about, "code": code} | members
