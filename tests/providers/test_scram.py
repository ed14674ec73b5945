"""The verifier, against the example of RFC 7677."""

import hashlib
import hmac
from base64 import b64decode

from services.providers.postgres import scram

SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
AUTH_MESSAGE = (
    b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)
CLIENT_PROOF = b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
SERVER_SIGNATURE = b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def keys(verifier: str) -> tuple[bytes, bytes]:
    stored, _, server = verifier.rpartition("$")[2].partition(":")
    return b64decode(stored), b64decode(server)


def test_a_server_with_this_verifier_accepts_the_proof_of_the_rfc():
    stored, _ = keys(scram.verifier(b"pencil", SALT, 4096))

    signature = hmac.digest(stored, AUTH_MESSAGE, "sha256")

    client_key = bytes(one ^ other for one, other in zip(CLIENT_PROOF, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored


def test_a_server_with_this_verifier_proves_itself_as_in_the_rfc():
    _, server = keys(scram.verifier(b"pencil", SALT, 4096))

    assert hmac.digest(server, AUTH_MESSAGE, "sha256") == SERVER_SIGNATURE


def test_it_is_spelled_as_postgresql_spells_it():
    assert scram.verifier(b"pencil", SALT, 4096).startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
