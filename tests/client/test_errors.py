"""The one table of codes: it knows every code that a fact can have, and agrees with the contracts on where asking again can help."""

from types import ModuleType
from typing import get_args

import pytest

from counterfoil import CounterfoilError, Denied, NotFound, Refused, Rejected, Revoked, Unavailable
from counterfoil.client.errors import AGAIN, CODES, from_problem
from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified

FACTS = {
    exchange_verified: exchange_verified.RejectionCode,
    exchange_authorized: exchange_authorized.DenialCode,
    exchange_minted: exchange_minted.RefusalCode,
}


@pytest.mark.parametrize("module", FACTS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_code_of_the_facts_has_its_class_and_its_answer_to_asking_again(module: ModuleType):
    codes = get_args(FACTS[module])

    assert set(codes) <= CODES.keys()
    assert {code for code in codes if code in AGAIN} == set(codes) & module.RETRYABLE


@pytest.mark.parametrize(
    ("document", "status", "kind"),
    [
        ({"code": "wrong_audience"}, 400, Rejected),
        ({"code": "no_link"}, 403, Denied),
        ({"code": "revoked"}, 409, Revoked),
        ({"code": "a_newer_one", "error": "invalid_scope"}, 400, Denied),
        ({"code": "a_newer_one"}, 404, NotFound),
        ({"code": "a_newer_one"}, 502, Refused),
        ({"code": "a_newer_one"}, 503, Unavailable),
        ({"error": "invalid_request"}, 400, Rejected),
        ({}, 418, CounterfoilError),
        ({"code": ["no", "text"], "message": 7}, 500, CounterfoilError),
    ],
)
def test_a_document_becomes_its_class(document: dict[str, object], status: int, kind: type[CounterfoilError]):
    assert type(from_problem(document, status)) is kind


def test_the_documents_own_word_on_asking_again_goes_first():
    assert not from_problem({"code": "late", "retryable": False}).retryable
    assert from_problem({"code": "no_link", "retryable": True}).retryable


def test_every_error_has_a_fix():
    assert all(kind("code", "message").fix for kind in {*CODES.values(), CounterfoilError})
