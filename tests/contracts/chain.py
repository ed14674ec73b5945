"""The keys that the examples were made with. They are known to everyone, and good for nothing else."""

from counterfoil.wire.log_key import LogKey
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.signing import SigningKey

REQUESTER = OpeningKey.from_bytes(b"\x01" * 32)
AUDIT = OpeningKey.from_bytes(b"\x02" * 32)
VERIFIER = SigningKey.from_bytes(b"\x03" * 32, "verifier")
LOG = LogKey("counterfoil.example/log", b"\x04" * 32)
