"""RFC 9396 at a server that gives more, says less, or knows nothing of it; and what lies within what."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers.calls import more
from services.providers.consenting import Redirects, Returned
from services.providers.covered import covered, covers
from services.providers.oauth.config import Config
from services.providers.seam import Details, Minted, Order, ProviderError, Refused, read
from tests.providers.desk import CANARY, told
from tests.providers.liar import RFC8414, Liar, Says, lying

PAYMENT: dict[str, Any] = {"type": "payment", "actions": ["initiate", "status"], "amount": {"currency": "EUR", "most": 10}}
LESS = PAYMENT | {"actions": ["status"]}
RESOURCE = {"type": "oauth2", "resource": "https://api.example"}


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


def gives(liar: Liar, said: Any, shown: Any = None, **given: Any) -> None:
    liar.set("/token", liar.gives(authorization_details=said, **given))
    liar.set("/introspect", Says({"active": True} | ({} if shown is None else {"authorization_details": shown})))


async def lent(liar: Liar, *details: dict[str, Any], **changes: Any) -> tuple[Order, Minted]:
    desk = liar.desk(detail_types=["payment"])
    order = desk.order(details=details, **changes)
    return order, await desk.provider.mint(order, desk.root)


async def test_they_are_sent_as_they_are_and_beside_them_what_is_ours_as_a_resource(liar: Liar):
    gives(liar, [PAYMENT])
    liar.set("/introspect", Says({"active": True, "aud": "https://api.example"}))

    order, minted = await lent(liar, PAYMENT, RESOURCE)

    assert (minted.amiss, more(order, minted), minted.granted_details) == ("", False, (RESOURCE, PAYMENT))
    form = liar.at("/token")[0].form
    assert [json.loads(one) for one in form["authorization_details"]] == [[PAYMENT]]
    assert form["resource"] == ["https://api.example"]


async def test_who_asks_for_none_sends_none(liar: Liar):
    await lent(liar)

    assert "authorization_details" not in liar.at("/token")[0].form


MORE = [
    [PAYMENT, {"type": "account"}],
    [PAYMENT | {"actions": ["initiate", "refund"]}],
    [PAYMENT | {"amount": {"currency": "EUR", "most": 11}}],
    [PAYMENT | {"more": CANARY}],
    [{"type": "payment", "actions": ["initiate"]}],
    [PAYMENT | {"actions": []}],
    [PAYMENT | {"actions": "initiate"}],
    [PAYMENT | {"type": "Payment"}],
    [PAYMENT, 7],
    [{}],
    {"type": "payment"},
    CANARY,
    True,
]


@pytest.mark.parametrize("said", MORE)
async def test_whatever_is_not_within_what_was_asked_is_more(liar: Liar, said: Any):
    gives(liar, said)

    assert more(*await lent(liar, PAYMENT))


@pytest.mark.parametrize("said", MORE)
async def test_and_so_is_what_introspection_shows(liar: Liar, said: Any):
    gives(liar, [PAYMENT], said)

    assert more(*await lent(liar, PAYMENT))


async def test_what_was_said_first_is_not_excused_by_what_is_shown_later(liar: Liar):
    gives(liar, [PAYMENT | {"actions": ["refund"]}], [LESS])

    assert more(*await lent(liar, PAYMENT))


async def test_details_that_nobody_asked_for_are_more(liar: Liar):
    gives(liar, [PAYMENT])

    assert more(*await lent(liar))


@pytest.mark.parametrize(("said", "shown"), [(None, None), ([], None), (None, []), ([PAYMENT], [])])
async def test_where_the_server_does_not_say_that_it_keeps_them_nothing_is_lent(liar: Liar, said: Any, shown: Any):
    gives(liar, said, shown)

    assert "which of the details" in (await lent(liar, PAYMENT))[1].amiss


@pytest.mark.parametrize(("said", "shown"), [([LESS], None), (None, [LESS]), ([PAYMENT], [LESS])])
async def test_less_is_lent_and_written_down(liar: Liar, said: Any, shown: Any):
    gives(liar, said, shown)

    order, minted = await lent(liar, PAYMENT)

    assert (minted.amiss, more(order, minted), minted.granted_details) == ("", False, (LESS,))


async def test_without_introspection_the_answer_is_enough(liar: Liar):
    gives(liar, [LESS])
    desk = liar.desk(detail_types=["payment"], introspect=False)

    minted = await desk.mint(details=(PAYMENT,))

    assert (minted.amiss, minted.granted_details) == ("", (LESS,))


BARE = [
    ([PAYMENT], "", None, ""),
    ([PAYMENT], None, [PAYMENT], ""),
    ([PAYMENT], None, None, "which scopes"),
    (None, "", None, "which of the details"),
]


@pytest.mark.parametrize(("said", "scope", "shown", "why"), BARE)
async def test_who_names_details_alone_gets_no_scope(liar: Liar, said: Any, scope: str | None, shown: Any, why: str):
    gives(liar, said, shown, scope=scope)

    order, minted = await lent(liar, PAYMENT, scopes=frozenset())

    assert "scope" not in liar.at("/token")[0].form
    assert (minted.granted_scopes, more(order, minted)) == (frozenset(), False)
    assert why in minted.amiss
    assert bool(why) == bool(minted.amiss)


async def test_and_whoever_gives_one_all_the_same_gave_more(liar: Liar):
    gives(liar, [PAYMENT], scope="read")

    assert more(*await lent(liar, PAYMENT, scopes=frozenset()))


async def test_details_that_a_person_was_not_asked_to_agree_to_are_more_and_all_of_it_is_ended(liar: Liar):
    gives(liar, [PAYMENT], refresh_token="of-the-grant")
    liar.set("/introspect", Says({"active": False}))
    desk = liar.desk(people=True)
    assert isinstance(desk.provider, Redirects)

    found = await desk.provider.redeem(Returned(Secret("code"), Secret("verifier"), "http://127.0.0.1/back", desk.scopes), desk.config, desk.root)

    assert "more than was asked" in found.amiss
    assert [one.form["token"][0] for one in liar.at("/revoke")] == ["of-the-grant", CANARY]


async def refused(liar: Liar, *details: dict[str, Any], **config: Any) -> str:
    with pytest.raises(ProviderError) as caught:
        await liar.desk(**config).mint(details=details, window_closes_at=datetime.now(UTC) + timedelta(seconds=20))
    assert type(caught.value) is Refused
    assert CANARY not in told(caught.value)
    return caught.value.code


async def test_a_no_to_them_has_a_word_of_its_own(liar: Liar):
    liar.set("/token", Says({"error": "invalid_authorization_details", "error_description": CANARY}, 400))

    assert await refused(liar, PAYMENT, detail_types=["payment"]) == "invalid_authorization_details"


@pytest.mark.parametrize(
    ("config", "detail"), [({}, PAYMENT), ({"detail_types": ["pay"]}, PAYMENT), ({"detail_types": ["payment"]}, {"type": CANARY})]
)
async def test_what_the_connector_does_not_pass_on_is_refused_before_anything_is_sent(liar: Liar, config: dict[str, Any], detail: dict[str, Any]):
    assert await refused(liar, detail, **config) == "details"
    assert liar.asked == []


@pytest.mark.parametrize("known", [[], ["other"], [7], ["Payment"]])
async def test_what_the_metadata_does_not_name_is_refused_before_it_is_sent(liar: Liar, known: list[Any]):
    liar.set(RFC8414, Says(liar.metadata(authorization_details_types_supported=known)))

    assert await refused(liar, PAYMENT, detail_types=["payment"]) == "unsupported_details"
    assert liar.at("/token") == []


async def test_what_the_metadata_names_is_sent(liar: Liar):
    liar.set(RFC8414, Says(liar.metadata(authorization_details_types_supported=["payment"])))
    gives(liar, [PAYMENT])

    assert (await lent(liar, PAYMENT))[1].amiss == ""


@pytest.mark.parametrize("types", [["oauth2"], [""], ["a b"], ["é"]])
def test_a_type_of_ours_or_no_type_cannot_be_passed_on(types: list[str]):
    with pytest.raises(Refused, match="config"):
        read(Config, {"issuer": "https://as.example", "client_id": "us", "detail_types": types}, "config")


WITHIN = [
    ({"type": "a", "x": [1, 2]}, {"type": "a", "x": [2]}, True),
    ({"type": "a", "x": []}, {"type": "a", "x": []}, True),
    ({"type": "a", "x": [1, 2]}, {"type": "a", "x": []}, False),
    ({"type": "a", "x": [1]}, {"type": "a", "x": [True]}, False),
    ({"type": "a", "x": 1}, {"type": "a", "x": "1"}, False),
    ({"type": "a", "x": ["*"]}, {"type": "a", "x": ["anything"]}, False),
    ({"type": "a", "x": [{"b": 1, "c": 2}]}, {"type": "a", "x": [{"c": 2, "b": 1}]}, True),
    ({"type": "a", "x": {"b": [1, 2]}}, {"type": "a", "x": {"b": [1]}}, False),
    ({"type": "a", "x": "b"}, {"type": "a"}, False),
    ({"type": "a"}, {"type": "a", "x": "b"}, False),
]


@pytest.mark.parametrize(("asked", "given", "is_within"), WITHIN)
def test_what_lies_within_what(asked: dict[str, Any], given: dict[str, Any], is_within: bool):
    assert covers(asked, given) is is_within


def test_two_halves_are_no_whole():
    asked: Details = ({"type": "a", "x": [1], "y": [1]}, {"type": "a", "x": [2], "y": [2]})

    assert covered({"type": "a", "x": [1], "y": [1]}, asked)
    assert not covered({"type": "a", "x": [1], "y": [2]}, asked)
    assert not covered({"type": "a", "x": [1, 2], "y": [1]}, asked)
