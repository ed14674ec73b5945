"""The small disk is full to the last byte when it is filled, and not afterwards; where none can be had, it says why."""

import errno
from pathlib import Path

import pytest

from tests.faults import disk
from tests.faults.disk import MIB, NoDisk, small


def test_it_can_be_filled_and_freed(tmp_path: Path):
    try:
        with small(tmp_path / "small", tmp_path / "image", 16 * MIB) as made:
            taken = made.fill()
            with pytest.raises(OSError, match="space") as full:
                (made.folder / "more").write_bytes(b"more")
            assert full.value.errno == errno.ENOSPC
            made.free()
            (made.folder / "more").write_bytes(bytes(MIB))
    except NoDisk as reason:
        pytest.skip(f"no disk can be mounted here: {reason}")

    assert 4 * MIB < taken <= 16 * MIB
    assert not (tmp_path / "image").exists()
    assert list((tmp_path / "small").iterdir()) == []


@pytest.mark.parametrize(("user", "said", "why"), [(1000, "", "root"), (0, "not permitted", "not permitted")])
def test_where_there_is_none_it_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: int, said: str, why: str):
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr(disk, "_called", lambda *_: said)

    with pytest.raises(NoDisk, match=why), small(tmp_path / "small", tmp_path / "image"):
        pass
