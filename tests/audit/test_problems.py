"""Every code of every stage has its wording."""

from collections.abc import Callable
from typing import get_args

import pytest

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified
from counterfoil.contracts.base import ExchangeFact
from services.audit import problems
from tests.audit.facts import asked, denied, refused, rejected

Says = Callable[..., ExchangeFact]
CODES = [
    *((rejected, code, exchange_verified.RETRYABLE) for code in get_args(exchange_verified.RejectionCode)),
    *((denied, code, exchange_authorized.RETRYABLE) for code in get_args(exchange_authorized.DenialCode)),
    *((refused, code, exchange_minted.RETRYABLE) for code in get_args(exchange_minted.RefusalCode)),
]
STAGES = {rejected: "verify", denied: "authorize", refused: "mint"}


@pytest.mark.parametrize(("says", "code", "retryable"), CODES)
def test_every_code_says_what_happened_and_what_to_do(says: Says, code: str, retryable: frozenset[str]):
    said = problems.about(says(asked(), code=code).model_dump(mode="json", exclude_none=True))

    assert said["code"] == code
    assert said["retryable"] is (code in retryable)
    assert said["stage"] == STAGES[says]
    for member in ("message", "fix"):
        assert str(said[member])[0].isupper() or str(said[member])[0] == "`"
        assert str(said[member]).endswith(".")


def test_no_wording_is_left_for_a_code_that_is_gone():
    for table, codes in (
        (problems.REJECTED, exchange_verified.RejectionCode),
        (problems.DENIED, exchange_authorized.DenialCode),
        (problems.REFUSED, exchange_minted.RefusalCode),
    ):
        assert set(table) == set(get_args(codes))


def test_who_may_know_reads_the_rule_and_what_was_too_much():
    fact = denied(asked(), code="beyond_ceiling", beyond={"write"}, nearest={"scopes": ["read"]}, message="write is beyond the ceiling")

    said = problems.about(fact.model_dump(mode="json", exclude_none=True))

    assert (said["beyond"], said["nearest"], said["rule"]) == (["write"], {"scopes": ["read"]}, "no-weekends")
    assert said["detail"] == "write is beyond the ceiling"
