"""The hash of an issuer entry: recorded with each decision, so that replay knows whether it reads the entry that was read then."""

from counterfoil.contracts.registry import Issuer
from counterfoil.wire.canonical import canonical, digest


def entry_hash(issuer: Issuer) -> str:
    return digest(
        canonical(
            issuer.model_dump(mode="json") | {"algorithms": sorted(issuer.algorithms), "types": sorted(issuer.types), "record": sorted(issuer.record)}
        )
    )
