"""Projections from facts alone: the tree's root, the ledger's states."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import Edge, leaf_hash
from services.ops.replay.export import Export
from services.ops.replay.rebuild import Rebuilt, from_export
from services.ops.replay.rebuild_ledger import Ledger
from services.ops.replay.rebuild_tree import Tree
from tests.replay.logs import Leaves, small

KEY = LogKey("replay.example/log", b"\x07" * 32)
ABOUT = {"connector": "postgres/demo", "installation": "main", "project": "web", "environment": "production"}
ONE = UUID(int=1)


def signed(path: Path, leaves: Leaves, size: int | None = None) -> Path:
    """An export whose checkpoint is over these leaves, or over the first of them."""
    covered = leaves if size is None else leaves[:size]
    edge, _ = Edge().append([leaf_hash(text) for _, text in small()[: len(covered)]])
    lines = [json.dumps({"index": index, "leaf": text.decode()}) for index, text in leaves]
    path.write_text("\n".join([*lines, json.dumps({"checkpoint": KEY.sign(KEY.name, edge.size, edge.root())})]))
    return path


def rebuilt(path: Path) -> Rebuilt:
    source = Export(path)
    return asyncio.run(from_export(source, lambda: source.checkpoint, lambda _: None))


def test_the_root_of_the_leaves_is_the_one_that_was_signed(tmp_path: Path):
    found = rebuilt(signed(tmp_path / "log", small()))

    assert found.document()["equal"]
    assert found.size == len(small())


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 40])
def test_the_tree_grows_as_the_logs_own_does(size: int):
    tree, leaves = Tree(), small()[:size]
    for _, text in leaves:
        tree.take(text)

    edge, _ = Edge().append([leaf_hash(text) for _, text in leaves])
    assert (tree.edge, tree.root, tree.broken) == (edge, edge.root(), None)


def test_an_edited_leaf_is_another_root_and_breaks_the_chain(tmp_path: Path):
    leaves = small()
    leaves[20] = 20, leaves[20][1].replace(b"production", b"prodaction")

    found = rebuilt(signed(tmp_path / "log", leaves))

    assert found.differences[0] == "leaf 21 does not name the leaf before it"
    assert found.differences[1].startswith("the signed head is ")


def test_an_end_that_is_missing_is_said(tmp_path: Path):
    path = signed(tmp_path / "log", small())
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]))
    assert rebuilt(path).differences == ["the export has no checkpoint: its end is missing"]
    path.write_text("\n".join([*lines[:-3], lines[-1]]))
    assert "these are" in rebuilt(path).differences[0]


class Rows:
    """One page of the ledger."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self._pages = [list(rows), []]

    async def fetch(self, *_: object) -> list[dict[str, Any]]:
        return self._pages.pop(0)


def compared(told: list[str], *states: str, **changed: Any) -> list[str]:
    ledger = Ledger()
    for kind in told:
        ledger.take({"kind": kind, "credential_id": str(ONE), **ABOUT})
    return asyncio.run(ledger.compare(Rows(*({"credential_id": ONE, "state": state, "old": True, **ABOUT, **changed} for state in states))))


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (["credential.minted"], "active"), (["credential.minted"], "revoked"), (["credential.minted", "credential.revoked"], "revoked"),
        (["credential.revoked", "credential.minted"], "expired"), (["credential.minted", "revocation.stuck"], "stuck"),
        (["credential.minted", "revocation.stuck", "credential.revoked"], "revoked"), ([], "failed"), ([], "minting"),
    ],
)  # fmt: skip
def test_a_row_may_be_where_facts_say_or_ahead(told: list[str], state: str):
    assert compared(told, state) == []


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (["credential.minted", "credential.revoked"], "active"), (["credential.minted", "credential.revoked", "revocation.stuck"], "stuck"),
        (["credential.minted"], "minting"), (["credential.minted", "revocation.uncertain"], "active"), ([], "active"),
    ],
)  # fmt: skip
def test_a_row_that_is_behind_the_facts_differs(told: list[str], state: str):
    assert len(compared(told, state)) == 1


def test_a_row_that_is_gone_or_another_s_differs():
    assert len(compared(["credential.minted"])) == 1
    assert len(compared(["credential.minted"], "active", project="shop")) == 1
    assert compared([], "active", old=False) == []
