"""The registry's policies at /v1: those that name one of its actions, from the snapshot that is current."""

import pytest

from counterfoil.contracts.registry import Operator, Policy
from counterfoil_server.runtime.snapshot import EMPTY, Snapshot
from services.gateway.callers import Caller
from services.gateway.permits import CedarPermits

ISSUER = "https://issuer.example"


class Book:
    def __init__(self) -> None:
        self.snapshot = EMPTY

    def declare(self, *texts: str) -> None:
        self.snapshot = Snapshot.of(self.snapshot.revision + 1, [Policy(name=f"p{place}", cedar=text) for place, text in enumerate(texts)])


def caller(role: str | None) -> Caller:
    operator = None if role is None else Operator.model_validate({"issuer": ISSUER, "subject": "s", "role": role})
    return Caller(ISSUER, "c" * 64, "s", "web", "production", operator)


def test_a_policy_that_names_the_action_counts_from_the_next_snapshot_on() -> None:
    book = Book()
    permits = CedarPermits(book)
    assert permits(caller("admin"), "lift", None)
    book.declare('forbid (principal, action == Action::"lift", resource);')
    assert not permits(caller("admin"), "lift", None)
    assert permits(caller("admin"), "revoke", None)
    book.declare()
    assert permits(caller("admin"), "lift", None)


@pytest.mark.parametrize(
    "text", ["forbid (principal, action, resource) when { context.lifetime > 600 };", "forbid (principal, action, resource);", "not Cedar"]
)
def test_what_was_written_for_mints_stops_no_operator(text: str) -> None:
    book = Book()
    book.declare(text)
    assert CedarPermits(book)(caller("operator"), "revoke", "postgres/demo")


def test_without_a_registry_the_built_in_policies_stand_alone() -> None:
    assert CedarPermits()(caller("viewer"), "read_audit", None)
    assert not CedarPermits()(caller("viewer"), "revoke", None)
    assert CedarPermits()(caller(None), "revoke", None, own=True)
