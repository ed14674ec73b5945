"""Kubernetes: the projected token."""

from pathlib import Path

import pytest

from counterfoil import NoIdentity
from counterfoil.client.ambient.kubernetes import PATH
from tests.client.ambient.platform import JWT, found

POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}


def projected(root: Path, text: str) -> Path:
    file = root / PATH.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


async def test_the_projected_token_is_read_each_time(tmp_path: Path):
    projected(tmp_path, JWT)
    assert (await found(POD, tmp_path)).token.text() == JWT
    projected(tmp_path, "re.new.ed")

    got = await found(POD, tmp_path)
    assert (got.source, got.token.text()) == ("Kubernetes", "re.new.ed")


async def test_the_api_servers_token_is_never_taken(tmp_path: Path):
    api = tmp_path / "var/run/secrets/kubernetes.io/serviceaccount/token"
    api.parent.mkdir(parents=True)
    api.write_text("canary.of.api")
    with pytest.raises(NoIdentity, match="though this is a pod: project a serviceAccountToken") as raised:
        await found(POD, tmp_path)

    assert "canary" not in str(raised.value)


async def test_a_token_that_cannot_be_read_is_an_error(tmp_path: Path):
    projected(tmp_path, JWT).unlink()
    (tmp_path / PATH.lstrip("/")).mkdir()
    with pytest.raises(NoIdentity, match="cannot be read") as raised:
        await found(POD, tmp_path)

    assert "fsGroup" in raised.value.fix
