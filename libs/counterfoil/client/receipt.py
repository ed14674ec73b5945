"""Checking receipts: against the log key that was given, or the one that the exchange published over a line nobody can change."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from counterfoil.client.credential import Receipt
from counterfoil.client.deadline import Deadline
from counterfoil.client.door import Door
from counterfoil.client.errors import CounterfoilError, Unproven
from counterfoil.client.well_known import WellKnown, unseen
from counterfoil.wire.receipt import BadReceipt, ReceiptChecker, read_proof


class Receipts:
    def __init__(self, door: Door, given: Sequence[str] | None) -> None:
        self._door = door
        self._checker = ReceiptChecker(given) if given else None
        self._fetched: WellKnown | None = None
        self.log_key: Literal["given", "fetched"] = "given" if given else "fetched"
        if not given and not unseen(door.url):
            raise CounterfoilError("no_log_key", f"{door.url} is neither https nor this machine: whoever sits in between could change the log key",
                                   fix="give the log key: Client(log_key=[...]) or COUNTERFOIL_LOG_KEY")  # fmt: skip

    async def checker(self, deadline: Deadline) -> ReceiptChecker:
        if self._checker is None:
            self._fetched = await self._door.known(deadline)
            self._checker = ReceiptChecker(self._fetched.log_keys)
        return self._checker

    async def renewed(self, deadline: Deadline) -> bool:
        """After a rotation what was fetched is out of date; what was given never changes. False where nothing is new."""
        if self.log_key == "given":
            return False
        before = self._fetched
        self._door.forget(before)
        now = await self._door.known(deadline)
        if before is not None and now.log_keys == before.log_keys:
            return False
        self._fetched, self._checker = now, ReceiptChecker(now.log_keys)
        return True

    async def minted(self, member: Any, deadline: Deadline, answer: tuple[UUID, str, object]) -> tuple[Mapping[str, Any], Receipt]:
        """The fact in a receipt that came over HTTP, if it is the CredentialMinted of `answer`: request_id, connector, credential_id."""
        leaf, proof = _texts(member)
        if leaf is None or proof is None:
            raise _unproven("no_receipt", "the answer has no receipt", answer)
        try:
            found = await self._included(leaf.encode(), proof, deadline)
        except BadReceipt as bad:
            raise _unproven("bad_receipt", f"the receipt does not hold: {bad.code}", answer) from None
        if _about(found) != ("credential.minted", str(answer[0]), answer[1], answer[2]):
            raise _unproven("wrong_receipt", "the receipt proves something else", answer)
        return found["fact"], Receipt(read_proof(proof).index, proof, leaf, self.log_key)

    async def of_a_no(self, member: Any, deadline: Deadline, request_id: UUID) -> Receipt | None:
        """The receipt of a problem document, where it has one that holds and is of this request. A no needs no proof to be one."""
        leaf, proof = _texts(member)
        if leaf is None or proof is None:
            return None
        try:
            found = await self._included(leaf.encode(), proof, deadline)
        except (BadReceipt, CounterfoilError):
            return None
        return Receipt(read_proof(proof).index, proof, leaf, self.log_key) if _request_id(found) == str(request_id) else None

    async def _included(self, leaf: bytes, proof: str, deadline: Deadline) -> dict[str, Any]:
        try:
            return (await self.checker(deadline)).check(leaf, proof)
        except BadReceipt as bad:
            if bad.code != "unknown_key" or not await self.renewed(deadline):
                raise
        return (await self.checker(deadline)).check(leaf, proof)


def _texts(member: Any) -> tuple[str | None, str | None]:
    found = member if isinstance(member, dict) else {}
    leaf, proof = found.get("leaf"), found.get("proof")
    return (leaf if isinstance(leaf, str) else None), (proof if isinstance(proof, str) else None)


def _request_id(leaf: dict[str, Any]) -> object:
    try:
        return leaf["fact"]["asked"]["request_id"]
    except (KeyError, TypeError):
        return None


def _about(leaf: dict[str, Any]) -> tuple[object, ...]:
    """What a leaf is the receipt of."""
    try:
        fact = leaf["fact"]
        return fact["kind"], fact["asked"]["request_id"], fact["connector"], fact["credential_id"]
    except (KeyError, TypeError):
        return ()


def _unproven(code: str, message: str, answer: tuple[UUID, str, object]) -> Unproven:
    fix = f"do not use it, and revoke it: `counterfoil revoke {answer[2]}`; check that url and log key belong to the same exchange"
    return Unproven(code, message, fix=fix, stage="audit", request_id=str(answer[0]))
