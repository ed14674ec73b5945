"""MCP on FastMCP, which is real: found out from the server itself, agreed to, lent, lent again without a refresh, and over with the grant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import shelf
from services.providers.consenting import Consents, Keeps, Kept
from services.providers.seam import Irrevocable, Refused, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.support.mcp import BACK, Notes, agreed

pytestmark = pytest.mark.counterparts
READ = frozenset({"notes.read"})
BOTH = frozenset({"notes.read", "notes.write"})


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    notes: Notes = request.getfixturevalue("notes")
    return notes.desk()


async def lent(notes: Notes, provider: Any, config: dict[str, Any] | None = None, root: Any = None) -> tuple[Any, Desk]:
    """A `Lent`, and the desk that it was lent at."""
    made, root = notes.desk(), notes.root if root is None else root
    config = config or notes.config()
    scopes = frozenset(config.get("scopes", READ))
    given = await agreed(provider, config, root, scopes)
    assert (given.amiss, given.scopes) == ("", scopes)
    made = replace(made, provider=provider, config=config, root=root, scopes=scopes)
    return await provider.lend(made.order(), given.refresh, root), made


async def test_what_is_lent_opens_the_server_and_is_lent_again_without_a_refresh(notes: Notes):
    provider: Any = shelf.provider("mcp")
    assert all(isinstance(provider, one) for one in (Consents, Keeps))
    first, made = await lent(notes, provider)
    assert first.minted.amiss == ""
    assert await notes.opens(token_of(first.minted).text())

    again = await provider.again(made.order(), first.kept, made.root)

    assert token_of(again) == token_of(first.minted)
    assert (again.granted_scopes, again.handle) == (READ, first.minted.handle)
    assert token_of(first.minted).text() not in repr((first, again))


async def test_a_refresh_ends_what_was_lent_before_which_is_why_it_is_kept(notes: Notes):
    provider: Any = shelf.provider("mcp")
    first, made = await lent(notes, provider)

    second = await provider.lend(made.order(), first.refresh, made.root)

    assert not await notes.opens(token_of(first.minted).text())
    assert await notes.opens(token_of(second.minted).text())


async def test_one_cannot_be_ended_by_itself_and_all_are_dead_with_the_grant(notes: Notes):
    provider: Any = shelf.provider("mcp")
    first, made = await lent(notes, provider)
    token = token_of(first.minted)

    with pytest.raises(Irrevocable) as one:
        await provider.revoke(first.minted.handle, made.config, made.root, token)
    assert one.value.until is not None
    assert one.value.until > datetime.now(UTC) + timedelta(minutes=50)
    assert await notes.opens(token.text())

    await provider.leave(first.refresh, made.config, made.root)

    assert not await notes.opens(token.text())
    assert await provider.revoke(first.minted.handle, made.config, made.root, token) is False
    await provider.leave(first.refresh, made.config, made.root)


@pytest.mark.parametrize("changed", ["scopes", "server", "time"])
async def test_what_is_kept_is_lent_for_the_same_alone_and_while_it_lives(notes: Notes, changed: str):
    provider: Any = shelf.provider("mcp")
    first, made = await lent(notes, provider)
    order, kept = made.order(), first.kept
    if changed == "scopes":
        order = replace(order, scopes=BOTH)
    elif changed == "server":
        order = replace(order, config=notes.config(resource=f"{notes.url}/other"))
    else:
        kept = Kept(kept.token, datetime.now(UTC) + timedelta(seconds=20))

    assert await provider.again(order, kept, made.root) is None


async def test_no_longer_than_the_token_lives_and_no_longer_than_asked(notes: Notes):
    provider: Any = shelf.provider("mcp")
    first, made = await lent(notes, provider)
    soon, late = datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC) + timedelta(hours=5)

    assert (await provider.again(made.order(expires_at=soon), first.kept, made.root)).expires_at == soon
    assert (await provider.again(made.order(expires_at=late), first.kept, made.root)).expires_at == first.kept.until < late


async def test_the_servers_challenge_says_which_scopes_and_a_connector_may_say_more(notes: Notes):
    provider: Any = shelf.provider("mcp")
    with pytest.raises(Refused, match="other_scopes"):
        await agreed(provider, notes.config(), notes.root, BOTH)

    wide, _ = await lent(notes, provider, notes.config(scopes=sorted(BOTH)))

    assert wide.minted.granted_scopes == BOTH
    with pytest.raises(Refused, match="scopes_changed"):
        await provider.place(notes.config(scopes=["notes.write"]))


async def test_a_client_without_a_secret_proves_nothing_and_is_lent_all_the_same(notes: Notes):
    client = await notes.register(BACK, method="none")
    config = notes.config(client_id=client["client_id"], issuer=None)

    provider: Any = shelf.provider("mcp")
    found, made = await lent(notes, provider, config, {})

    assert await notes.opens(token_of(found.minted).text())
    await provider.leave(found.refresh, made.config, made.root)
    assert not await notes.opens(token_of(found.minted).text())


async def test_a_secret_is_for_one_authorization_server_by_name(notes: Notes):
    provider: Any = shelf.provider("mcp")
    with pytest.raises(Refused, match="whose_secret"):
        await agreed(provider, notes.config(issuer=None), notes.root, READ)
    with pytest.raises(Refused, match="issuer_changed"):
        await agreed(provider, notes.config(issuer="https://elsewhere.example/"), notes.root, READ)


async def test_resource_is_asked_for_and_no_document_is_shown_where_none_is_taken(notes: Notes):
    place = await shelf.provider("mcp").place(notes.config())  # type: ignore[attr-defined]

    assert (place.parameters["resource"], place.parameters["code_challenge_method"]) == (notes.resource, "S256")
    assert place.issuer == f"{notes.url}/"
    with pytest.raises(Refused, match="no_client_documents"):
        await shelf.provider("mcp").place(notes.config(client_id="https://us.example/consent/client.json"))  # type: ignore[attr-defined]


async def test_without_a_user_nothing_is_lent(notes: Notes):
    with pytest.raises(Refused, match="people_only"):
        await replace(notes.desk(), provider=shelf.provider("mcp")).mint()


async def test_a_grant_is_shown_to_no_other_issuer(notes: Notes):
    provider: Any = shelf.provider("mcp")
    made = notes.desk()
    foreign = Secret(f'{{"issuer": "https://elsewhere.example", "refresh": "{CANARY}"}}')

    for asked in (provider.lend(made.order(), foreign, made.root), provider.leave(foreign, made.config, made.root)):
        with pytest.raises(Refused, match="issuer_changed") as refused:
            await asked
        assert CANARY not in told(refused.value)
