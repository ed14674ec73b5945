"""A proof that was saved: the leaf and its C2SP tlog-proof, alone (`counterfoil audit prove`) or as the receipt of what they came with."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from counterfoil.audit.witnessing import Witnessing
from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire import receipt
from counterfoil.wire.broken import Broken
from counterfoil.wire.canonical import NotJson, strict_json

OF_A_CREDENTIAL = "credential.minted"
COMPARED = ("credential_id", "connector", "expires_at")


class BadProof(Broken):
    """malformed_file, no_leaf, wrong_index, wrong_credential, wrong_request, or what is wrong with proof or checkpoint."""


@dataclass(frozen=True, slots=True)
class Saved:
    """`around`: the answer or the credential that it is the receipt of, its secret included."""

    leaf: bytes = field(repr=False)
    proof: str = field(repr=False)
    around: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    index: int
    size: int
    origin: str
    signatures: tuple[str, ...]
    """Names of all that signed the head, checked or not: the log's, and those of witnesses."""
    witnessed_by: tuple[str, ...]
    """Those of the witnesses that were named whose cosignature is there, and checked."""
    leaf: dict[str, Any] = field(repr=False)

    @property
    def fact(self) -> dict[str, Any]:
        found = self.leaf.get("fact")
        return found if isinstance(found, dict) else {}


def write(leaf: str, proof: str) -> str:
    return json.dumps({"leaf": leaf, "proof": proof}, indent=2, ensure_ascii=False) + "\n"


def read(text: bytes) -> Saved:
    """Shape only."""
    try:
        found = strict_json(text)
    except NotJson:
        raise BadProof("malformed_file") from None
    outer = found if isinstance(found, dict) else {}
    inner = outer.get("receipt", outer)
    leaf, proof = (inner.get("leaf"), inner.get("proof")) if isinstance(inner, dict) else (None, None)
    if not isinstance(proof, str):
        raise BadProof("malformed_file")
    if not isinstance(leaf, str):
        raise BadProof("no_leaf")
    return Saved(leaf.encode(), proof, outer if inner is not outer else {})


def check(
    saved: Saved, vkeys: Collection[str], *, credential: str | None = None, request: str | None = None, witnessing: Witnessing | None = None
) -> Proven:
    """That the log has this leaf, witnessed by whom the reader wants, and that it is about this credential, this request, and what it was saved with.

    Raises BadProof, NotWitnessed.
    """
    seen = (witnessing or Witnessing()).anew()
    try:
        members = receipt.check(saved.leaf, saved.proof, vkeys)
        read_ = receipt.read_proof(saved.proof)
        head = checkpoints.check(read_.checkpoint, vkeys)
        seen.see(head)
    except Broken as bad:
        raise BadProof(bad.code) from None
    seen.size()
    proven = Proven(read_.index, head.size, head.origin, tuple(one.name for one in head.signatures), seen.names(), members)
    if members.get("seq") != read_.index:
        raise BadProof("wrong_index")
    if credential is not None and str(proven.fact.get("credential_id")) != credential:
        raise BadProof("wrong_credential")
    if request is not None and _request_id(proven.fact) != request:
        raise BadProof("wrong_request")
    _bound(proven.fact, saved.around)
    return proven


def _bound(fact: Mapping[str, Any], around: Mapping[str, Any]) -> None:
    """What it was saved with is what the leaf says: another good leaf with its good proof is refused."""
    if "request_id" in around and _request_id(fact) != around["request_id"]:
        raise BadProof("wrong_request")
    if "credential_id" not in around:
        return
    said = {name: around[name] for name in COMPARED if name in around}
    same = all(_same(fact.get(name), value) for name, value in said.items())
    scopes = around.get("scopes")
    if fact.get("kind") != OF_A_CREDENTIAL or not same or (isinstance(scopes, list) and sorted(fact.get("scopes", ())) != sorted(scopes)):
        raise BadProof("wrong_credential")


def _same(fact: Any, said: Any) -> bool:
    """A time may be spelled in two ways."""
    moment = _moment(said)
    return bool(fact == said) or (moment is not None and _moment(fact) == moment)


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else None


def _request_id(fact: Mapping[str, Any]) -> str | None:
    asked = fact.get("asked")
    return asked.get("request_id") if isinstance(asked, dict) else None
