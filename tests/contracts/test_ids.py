"""Derived ids never change: rows, ledgers and other people's logs are named by them."""

from uuid import UUID

import pytest

from counterfoil.contracts import TOPICS
from counterfoil.contracts.base import ExchangeFact, named
from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.contracts.revocation_ordered import revocation_id
from deploy.schemas import kinds
from tests.support.facts import NOW, asked, verified

HASH = "a" * 64


@pytest.mark.parametrize(
    ("made", "golden"),
    [
        (named("verify", HASH), "943e2286-5783-5f17-a914-95702e30a0da"),
        (named("authorize", HASH), "552c3d2e-1a4c-5d5e-b1c4-2e4fec1a8d6e"),
        (named("mint", HASH), "d614edbc-5187-5b06-88d1-f0e440b96489"),
        (credential_id(HASH, 1), "919ff09c-55c8-55d6-8ef3-7894fb6a928b"),
        (credential_id(HASH, 2), "5b2b051b-45a2-533b-818b-61c6dde1429e"),
        (revocation_id(UUID(int=1)), "ed047579-138e-534d-ad4a-d6b21bba2bbd"),
    ],
)
def test_the_same_parts_give_the_id_they_always_gave(made: UUID, golden: str):
    assert str(made) == golden


def test_every_exchange_fact_is_named_by_its_stage_and_request():
    found = {model.__name__: model.stage for topic in TOPICS for model in kinds(topic).values() if issubclass(model, ExchangeFact)}

    assert found == {
        "IdentityVerified": "verify", "IdentityRejected": "verify", "GrantApproved": "authorize", "GrantDenied": "authorize",
        "CredentialMinted": "mint", "MintRefused": "mint",
    }  # fmt: skip


def test_a_message_handled_twice_is_the_same_fact_twice_and_another_request_another():
    first = verified(at=NOW)

    assert first.id == verified(at=NOW.replace(year=2027)).id == named("verify", HASH)
    assert type(first).about(asked(request_hash="b" * 64), **{name: getattr(first, name) for name in FIELDS}).id != first.id


FIELDS = ("at", "issuer", "sub_hash", "project", "environment", "claims", "wish", "subject_box", "basis")


def test_parts_do_not_run_into_one_another():
    assert named("credential", "ab", "c") != named("credential", "a", "bc")
