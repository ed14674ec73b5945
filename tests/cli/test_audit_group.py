"""counterfoil audit: the package's own verbs, and those that a server's tree adds."""

from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import pytest

from counterfoil.cli import audit_group, verbs
from tests.cli.shell import Shell


def test_the_servers_own_verbs_join_by_entry_point():
    known = {one.name: one.value for one in entry_points(group=audit_group.GROUP)}

    assert {name: one.target for name, one in verbs.servers(audit_group.GROUP).items()} == known
    assert set(audit_group.SERVERS_OWN) <= known.keys()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where nothing but the package is installed: no tree of a server tells of its verbs."""
    monkeypatch.setattr(verbs, "sys", SimpleNamespace(path=[str(tmp_path)]))


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("verb", audit_group.SERVERS_OWN)
async def test_the_package_alone_says_where_they_are(sh: Shell, verb: str):
    said = await sh("audit", verb)

    assert said.code == 2
    assert f"./counterfoil audit {verb}" in said.err
    assert f"python -m services.ops audit {verb}" in said.err


@pytest.mark.usefixtures("alone")
async def test_the_package_alone_has_all_the_others(sh: Shell):
    said = await sh("audit", "--help")

    listed = [line.split()[0] for line in said.out.partition("Commands:")[2].splitlines() if line.startswith("  ") and line[2] != " "]
    assert listed == ["tail", "show", "export", "verify", "prove", "verify-proof", "gaps"]
    assert (await sh("audit", "nothing")).code == 2
