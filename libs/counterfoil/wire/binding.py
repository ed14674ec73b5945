"""What each seal is bound to. A box opened under another binding does not open."""

from uuid import UUID

from counterfoil.wire.canonical import canonical, digest


def token(request_hash: str) -> bytes:
    """The caller's token, to the verifier: who cannot open it cannot seal it again over a changed request."""
    return b"counterfoil/token/v1\x00" + request_hash.encode()


def credential(request_hash: str, credential_id: UUID, decision_hash: str) -> bytes:
    """The minted credential, to the requester."""
    about = {"request_hash": request_hash, "credential_id": str(credential_id), "decision_hash": decision_hash}
    return b"counterfoil/credential/v1\x00" + digest(canonical(about)).encode()


def answer(request_hash: str) -> bytes:
    """What audit says, to the requester."""
    return b"counterfoil/answer/v1\x00" + request_hash.encode()


def subject(sub_hash: str) -> bytes:
    """The subject's text, from the verifier to audit."""
    return b"counterfoil/subject/v1\x00" + sub_hash.encode()


def revocation(credential_id: UUID) -> bytes:
    """The second seal, where a provider revokes only by possession."""
    return b"counterfoil/revocation/v1\x00" + str(credential_id).encode()


def root(connector: str, installation: str, field: str, version: int) -> bytes:
    """A root secret: on its way to the providers, and at rest."""
    about = {"connector": connector, "installation": installation, "field": field, "version": version}
    return b"counterfoil/root/v1\x00" + digest(canonical(about)).encode()


def consent(consent_id: UUID) -> bytes:
    """What a person brought back from a provider, from the gateway to mint."""
    return b"counterfoil/consent/v1\x00" + str(consent_id).encode()


def verifier(consent_id: UUID) -> bytes:
    """The PKCE verifier of a person's way to a provider and back, from the gateway to mint."""
    return b"counterfoil/verifier/v1\x00" + str(consent_id).encode()


def grant(grant_id: UUID, version: int) -> bytes:
    """A user's refresh token, at rest: no earlier one can be put back in its place."""
    return b"counterfoil/grant/v1\x00" + canonical({"grant_id": str(grant_id), "version": version})


def kept(grant_id: UUID, version: int) -> bytes:
    """The access token beside it."""
    return b"counterfoil/kept/v1\x00" + canonical({"grant_id": str(grant_id), "version": version})


def device(consent_id: UUID) -> bytes:
    """What a provider is asked with whether a person has typed their code in, at rest."""
    return b"counterfoil/device/v1\x00" + str(consent_id).encode()
