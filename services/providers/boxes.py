"""The only lines of mint that hold a secret: from the provider's answer into the seals."""

from counterfoil.contracts.exchange_minted import CredentialMinted
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.envelope import encode
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.subjects import lookup
from services.providers.ledger_rows import Finished
from services.providers.seam import Minted, Revocation, token_of
from services.providers.wanted import Intent


class Boxes:
    def __init__(self, keys: KeyRing, now: Clock) -> None:
        self._keys, self._now, self._lookup = keys, now, keys.shared("lookup")

    def close(self, intent: Intent, minted: Minted) -> Finished:
        """Sealed to the requester; and, where only the token itself can revoke, a second time to the revocation key, which mint cannot open."""
        grant, identifier = intent.wanted.grant, intent.credential_id
        decision = intent.wanted.decision_hash
        digest = lookup(self._lookup, token_of(minted))
        seal_1 = self._keys.sealer.seal(
            minted.secret, from_url(grant.asked.requester_key.encode()), binding.credential(grant.asked.request_hash, identifier, decision)
        )
        fact = CredentialMinted.after(
            grant,
            at=self._now(),
            credential_id=identifier,
            attempt=intent.attempt,
            connector=grant.connector,
            installation=grant.installation,
            issuer=grant.issuer,
            sub_hash=grant.sub_hash,
            project=grant.project,
            environment=grant.environment,
            scopes=minted.granted_scopes,
            details=minted.granted_details,
            user=grant.user,
            expires_at=minted.expires_at,
            token_type=minted.token_type,
            revocation=intent.wanted.provider.revocation.value,
            reach=intent.wanted.provider.reach.value,
            epoch=intent.epoch,
            decision_hash=decision,
            cred_digest=digest,
            box=to_url(seal_1).decode(),
        )
        return Finished(intent, minted, fact, encode(fact), self.seal_2(intent, minted), digest)

    def seal_2(self, intent: Intent, minted: Minted) -> bytes | None:
        if intent.wanted.provider.revocation is not Revocation.BY_POSSESSION:
            return None
        return self._keys.sealer.seal(token_of(minted), self._keys.recipient("revoke"), binding.revocation(intent.credential_id))
