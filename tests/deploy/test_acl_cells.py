"""principal x topic x operation, the whole product, on a real Kafka with its StandardAuthorizer: what the table grants works, all else is refused."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest

from counterfoil.contracts import TOPICS
from counterfoil.wire.kafka import Publisher, Record
from deploy import acls
from deploy.acls import CONSUMER, GROUP, OPS, TOPIC
from tests.deploy import asking as door
from tests.deploy.asking import Asking, Codes, asking
from tests.support.guarded import NOBODY, PREFIX, Guarded

ROLES = (*acls.roles(), NOBODY)
STRANGE = ("strange.exchange.requested.v1", f"{PREFIX}x.exchange.requested.v1")
"""Of other prefixes: one that has nothing to do with ours, and one that begins with the same letters."""
OURS = tuple(f"{PREFIX}.{name}" for topic in TOPICS for name in (str(topic), f"{topic}.dlq"))
EVERY = (*OURS, *STRANGE)
ADMINISTRATION: Mapping[str, tuple[Callable[[Asking], Callable[[tuple[str, ...]], Awaitable[Codes]]], int]] = {
    "create": (lambda asked: asked.create, door.TOPIC_EXISTS),
    "alter": (lambda asked: asked.alter, door.NO_NEW_PARTITIONS),
    "alter settings": (lambda asked: asked.alter_settings, 0),
}
every_role = pytest.mark.parametrize("role", ROLES)


def granted(role: str, operation: str) -> set[str]:
    return {f"{PREFIX}.{name}" for name in acls.of(role, operation, TOPIC) if name}


def expected(allowed: set[str], told: int) -> Codes:
    return {topic: told if topic in allowed else door.TOPIC_REFUSED for topic in EVERY}


@pytest.fixture(scope="module")
async def topics(guarded: Guarded) -> Guarded:
    """With a record in each, and two topics that are not ours."""
    async with asking(guarded.administrator) as administrator:
        await administrator.make(STRANGE)
        await administrator.groups_are_kept()
    publisher = Publisher(guarded.administrator)
    await publisher.start()
    await publisher.acked(await publisher.send([Record(topic, b"k", b"v", [], 0) for topic in EVERY]))
    await publisher.stop()
    return guarded


@every_role
async def test_write(topics: Guarded, role: str):
    async with asking(topics.connection(role)) as asked:
        assert await asked.write(EVERY) == expected(granted(role, "Write"), 0)


@every_role
async def test_read(topics: Guarded, role: str):
    async with asking(topics.connection(role)) as asked:
        assert await asked.read(EVERY) == expected(granted(role, "Read"), 0)


@every_role
async def test_what_a_principal_may_neither_write_nor_read_it_cannot_even_see(topics: Guarded, role: str):
    seen = set(OURS) if role == OPS else granted(role, "Write") | granted(role, "Read")
    async with asking(topics.connection(role)) as asked:
        assert await asked.see(EVERY) == expected(seen, 0)
        assert set(await asked.admin.list_topics()) == seen


@every_role
@pytest.mark.parametrize("operation", ADMINISTRATION)
async def test_create_and_alter(topics: Guarded, role: str, operation: str):
    ask, told = ADMINISTRATION[operation]
    async with asking(topics.connection(role)) as asked:
        assert await ask(asked)(EVERY) == expected(set(OURS) if role == OPS else set(), told)


@every_role
async def test_delete(topics: Guarded, role: str):
    """Who makes topics deletes one made for that; all others are refused on every topic there is."""
    async with asking(topics.connection(role)) as asked:
        if role == OPS:
            spare = f"{PREFIX}.spare"
            await asked.make((spare,))
            assert await asked.delete((spare, *STRANGE)) == {spare: 0} | dict.fromkeys(STRANGE, door.TOPIC_REFUSED)
        else:
            assert await asked.delete(EVERY) == expected(set(), 0)


@every_role
async def test_groups(topics: Guarded, role: str):
    """Its own groups, and none that merely begins like them: `revoke` is no right on `revoker`."""
    own = {group(role, name) for name in acls.of(role, "Read", GROUP)}
    every = {group(one.role, one.name) for one in acls.grants() if one.kind == GROUP}
    every |= {f"{PREFIX}.{role}-more", f"{PREFIX}.{CONSUMER}", f"{PREFIX}.{CONSUMER}.siem", role, "strange"} - own
    async with asking(topics.connection(role)) as asked:
        assert await asked.join(every) == {one: door.UNKNOWN_MEMBER if one in own else door.GROUP_REFUSED for one in every}


def group(role: str, name: str) -> str:
    return f"{PREFIX}.{name}.{PREFIX}-{role}" if role == CONSUMER else f"{PREFIX}.{name}"


@pytest.mark.parametrize("role", [role for role in acls.roles() if acls.of(role, "Write", TOPIC)])
async def test_our_own_publisher_needs_no_right_beside_write(topics: Guarded, role: str):
    """It is idempotent: since Kafka 3.0 that follows from any right to write."""
    publisher = Publisher(topics.connection(role))
    await publisher.start()
    try:
        await publisher.acked(await publisher.send([Record(topic, b"k", b"v", [], 0) for topic in sorted(granted(role, "Write"))]))
    finally:
        await publisher.stop()


async def test_rights_are_taken_away_by_the_script_that_gave_them(topics: Guarded):
    """A time-boxed right has an end, too."""
    async with asking(topics.connection(acls.REDRIVE)) as asked:
        await topics.acls("--remove", acls.REDRIVE)
        try:
            await gone(asked)
        finally:
            await topics.acls(acls.REDRIVE)


async def gone(asked: Asking) -> None:
    async with asyncio.timeout(10):  # the controller has it at once, the broker a moment later
        while set((await asked.read(EVERY)).values()) != {door.TOPIC_REFUSED}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
