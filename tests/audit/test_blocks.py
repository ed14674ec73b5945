"""Blocks: whatever a predicate wider than one connector names is not handed over."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.audit.facts import minted
from tests.audit.house import House, not_handed_over

MEMBERS = {"connector": "postgres/demo", "project": "web", "environment": "production", "issuer": "https://issuer.example", "sub_hash": "c" * 64}


async def block(house: House, *, until: str = "NULL", lifted: str = "NULL", **members: str) -> None:
    names, values = ", ".join(members), ", ".join(f"'{value}'" for value in members.values())
    await house.owner.execute(f"INSERT INTO block (id, since, until, lifted_at, {names}) VALUES ('{uuid4()}', now(), {until}, {lifted}, {values})")  # noqa: S608 a test's own words


@pytest.mark.parametrize("member", MEMBERS)
async def test_a_block_stops_whatever_has_its_one_member(house: House, member: str):
    fact = await house.ledger(minted(house.asked()))
    await block(house, **{member: MEMBERS[member]})

    await not_handed_over(house, fact)


@pytest.mark.parametrize("member", MEMBERS)
async def test_a_block_stops_nothing_where_one_of_its_members_differs(house: House, member: str):
    fact = await house.ledger(minted(house.asked()))
    await block(house, **{**MEMBERS, member: "other"})

    (answer,) = house.opened(await house.run(fact))

    assert answer.box


@pytest.mark.parametrize(("when", "ago", "stands"), [({"until": "now() + interval '1h'"}, 0, True),
                                                       ({"until": "now() - interval '1s'"}, 0, False), ({"until": "now() - interval '1s'"}, 2, True),
                                                       ({"lifted": "now() - interval '1s'"}, 0, False),
                                                       ({"lifted": "now() - interval '1s'"}, 2, True)])  # fmt: skip
async def test_a_block_catches_what_was_minted_before_its_end(house: House, when: dict[str, str], ago: int, stands: bool):
    """Though it was lifted since: minted that many seconds ago."""
    fact = await house.ledger(minted(house.asked(), at=datetime.now(UTC) - timedelta(seconds=ago)))
    await block(house, project="web", **when)

    (answer,) = house.opened(await house.run(fact))

    assert (answer.box is None) is stands
