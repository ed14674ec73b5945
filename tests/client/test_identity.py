"""Where the caller's token comes from."""

from pathlib import Path

import pytest

from counterfoil import NoIdentity
from counterfoil.client.identity import FILE, TOKEN, Identity
from counterfoil.wire.secret import Secret


async def text(identity: Identity) -> str:
    return (await identity.token()).text()


async def test_what_is_given_goes_before_the_environment():
    assert await text(Identity("given", {TOKEN: "from.the.environment"})) == "given"
    assert await text(Identity(Secret("given"), {})) == "given"
    assert await text(Identity(lambda: "called", {})) == "called"


async def test_the_environment_has_a_token_or_the_file_that_holds_it(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("from.the.file\n")

    assert await text(Identity(None, {TOKEN: "from.the.environment", FILE: str(file)})) == "from.the.environment"
    assert await text(Identity(None, {FILE: str(file)})) == "from.the.file"


async def test_the_file_is_read_each_time(tmp_path: Path):
    file = tmp_path / "token"
    identity = Identity(None, {FILE: str(file)})
    file.write_text("first")
    assert await text(identity) == "first"
    file.write_text("second")
    assert await text(identity) == "second"


async def test_without_any_source_each_that_was_tried_is_named():
    with pytest.raises(NoIdentity) as raised:
        await Identity(None, {}).token()

    assert TOKEN in raised.value.message
    assert FILE in raised.value.message
    assert TOKEN in raised.value.fix


async def test_a_source_that_is_there_and_fails_is_not_passed_over(tmp_path: Path):
    with pytest.raises(NoIdentity, match="cannot be read"):
        await Identity(None, {FILE: str(tmp_path / "missing")}).token()
    with pytest.raises(NoIdentity, match="token"):
        await Identity("", {TOKEN: "good"}).token()


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe", b"a\x00b"])
async def test_a_file_that_holds_no_token_is_not_quoted(tmp_path: Path, content: bytes):
    file = tmp_path / "token"
    file.write_bytes(content + b" canary" * bool(content))

    with pytest.raises(NoIdentity) as raised:
        await Identity(None, {FILE: str(file)}).token()
    assert "canary" not in str(raised.value)
