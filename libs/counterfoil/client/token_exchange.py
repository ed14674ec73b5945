"""One exchange over HTTP.

OAuth 2.0 Token Exchange: https://www.rfc-editor.org/rfc/rfc8693
"""

import json
import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from counterfoil.client.credential import Credential, lent
from counterfoil.client.deadline import Deadline
from counterfoil.client.door import Door
from counterfoil.client.errors import CounterfoilError, Unproven
from counterfoil.client.receipt import Receipts
from counterfoil.client.trace import Trace
from counterfoil.client.wish import Wish
from counterfoil.wire.secret import Secret

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 the name of a type


class TokenExchange:
    """An Attempt. The key that the answer is sealed to is the gateway's, so only the id is repeated, never the bytes."""

    def __init__(self, door: Door, receipts: Receipts, wish: Wish, token: Secret, request_id: UUID, deadline: Deadline, trace: Trace) -> None:
        self._door, self._receipts, self._deadline, self._trace = door, receipts, deadline, trace
        self._wish, self._token, self._request_id = wish, token, request_id

    async def answered(self) -> Credential:
        # RFC 7240: how long we shall wait. The gateway makes the deadline of it that every stage honours.
        headers = {**self._trace.texts(), "Prefer": f"wait={math.ceil(self._deadline.left())}"}
        try:
            answer = await self._door.call("POST", "/oauth2/token", self._deadline, form=self._form(), headers=headers)
        except CounterfoilError as error:
            error.request_id = error.request_id or str(self._request_id)
            error.trace_id = error.trace_id or self._trace.trace_id
            error.receipt = await self._receipts.of_a_no(error.unverified_receipt, self._deadline, self._request_id)
            raise
        if not isinstance(answer, dict) or "access_token" not in answer:
            fix = "check that COUNTERFOIL_URL is the URL of a Counterfoil gateway"
            raise CounterfoilError("bad_answer", "what answered is no Counterfoil gateway", fix=fix, request_id=str(self._request_id))
        return await self._checked(answer)

    def _form(self) -> dict[str, str]:
        form = {
            "grant_type": GRANT, "subject_token": self._token.text(), "subject_token_type": ID_TOKEN, "audience": self._wish.connector,
            "request_id": str(self._request_id),
        }  # fmt: skip
        if self._wish.scopes:
            form["scope"] = " ".join(self._wish.scopes)
        if self._wish.details:
            form["authorization_details"] = json.dumps([dict(detail) for detail in self._wish.details], separators=(",", ":"))
        if self._wish.lifetime is not None:
            form["requested_lifetime"] = str(self._wish.lifetime)
        if self._wish.installation is not None:
            form["installation"] = self._wish.installation
        if self._wish.user is not None:
            form["requested_subject"] = self._wish.user.id
            if self._wish.user.issuer is not None:
                form["requested_subject_issuer"] = self._wish.user.issuer
        return form

    async def _checked(self, answer: Mapping[str, Any]) -> Credential:
        about = self._request_id, self._wish.connector, answer.get("credential_id")
        fact, receipt = await self._receipts.minted(answer.get("receipt"), self._deadline, about)
        members = {member: answer[member] for member in ("access_token", "credential") if answer.get(member)}
        try:
            return lent(fact, Secret(json.dumps(members)), receipt)
        except ValueError:
            raise Unproven("bad_answer", "the gateway's answer has no credential in it", request_id=str(self._request_id)) from None
