"""What a witness has cosigned it does not forget, and without its memory it does not start."""

import json
import os
import stat
from pathlib import Path
from unittest.mock import patch

import pytest

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.cosignature import WitnessKey
from services.witness import key_file, memory
from services.witness.doors import added
from services.witness.memory import Memory, Unusable
from tests.witness.conftest import NAME, Bench
from tests.witness.growing import ORIGIN, Growing

LOG = Growing()


def heads(bench: Bench) -> Path:
    return bench.folder / "heads.json"


async def test_after_a_restart_it_goes_on_where_it_was(bench: Bench):
    bench.add(LOG.body(0, 7))
    vkey = bench.key.vkey
    bench.restart()

    assert bench.key.vkey == vkey
    assert bench.add(LOG.body(0, 7)).text == "7\n"
    assert bench.add(LOG.body(7, 9)).status == 200


async def test_the_head_is_on_disk_before_the_cosignature_is_made_public(bench: Bench):
    """File, rename, folder: in this order, and all before the answer."""
    done: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        done.append("rename")
        return real_replace(self, target)

    with patch("os.fsync", fsync), patch.object(Path, "replace", replace):
        done.append(str(int(bench.add(LOG.body(0, 7)).status)))

    assert done == ["file", "rename", "folder", "200"]
    assert checkpoints.parse(json.loads(heads(bench).read_text())["logs"][ORIGIN]).size == 7


@pytest.mark.parametrize("what", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.open"])
async def test_what_cannot_be_kept_is_not_cosigned(bench: Bench, what: str):
    bench.add(LOG.body(0, 7))
    with patch(what, side_effect=OSError(28, "no space")):
        answer = added(bench.witness, LOG.body(7, 9))

    assert (answer.status, answer.text.count("\u2014")) == (503, 0)
    assert added(bench.witness, LOG.body(7, 9)).status == 200


async def test_a_memory_that_is_gone_or_another_is_not_replaced_by_an_empty_one(bench: Bench):
    bench.add(LOG.body(0, 7))
    good = heads(bench).read_text()
    other = WitnessKey.generate(NAME)
    found = json.loads(good)
    spoiled = {
        "gone": None, "empty": "", "cut": good[:-20], "another key's": json.dumps({**found, "vkey": other.vkey}),
        "not cosigned": json.dumps({**found, "logs": {ORIGIN: LOG.head(7)}}), "no notes": json.dumps({"vkey": bench.key.vkey, "logs": 3}),
        "another log's": json.dumps({**found, "logs": {"other.test": found["logs"][ORIGIN]}}),
    }  # fmt: skip
    for what, text in spoiled.items():
        heads(bench).unlink() if text is None else heads(bench).write_text(text)
        with pytest.raises(Unusable, match=r"heads\.json"):
            bench.restart()
        bench.memory.close()
        heads(bench).write_text(good)
        assert what
    bench.start()
    assert bench.add(LOG.body(7, 9)).status == 200


async def test_a_key_whose_file_is_gone_leaves_a_memory_that_no_other_key_takes_over(bench: Bench):
    bench.add(LOG.body(0, 7))
    (bench.folder / "witness.key").unlink()

    with pytest.raises(Unusable, match="restore that key"):
        bench.restart()
    assert not (bench.folder / "witness.key").exists()


async def test_a_first_start_that_was_cut_off_before_its_key_was_on_disk_is_begun_again(tmp_path: Path):
    first = Memory(tmp_path)
    with patch("services.witness.key_file.write", side_effect=OSError), pytest.raises(OSError):
        key_file.opened(NAME, tmp_path / "witness.key", first)
    first.close()
    again = Memory(tmp_path)
    key = key_file.opened(NAME, tmp_path / "witness.key", again)
    again.close()

    assert json.loads((tmp_path / memory.FILE).read_text()) == {"vkey": key.vkey, "logs": {}}


async def test_two_never_share_a_memory(bench: Bench):
    with pytest.raises(Unusable, match="in use"):
        Memory(bench.folder)


async def test_the_key_is_its_owners_alone(bench: Bench):
    file = bench.folder / "witness.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert str(bench.key) == f"WitnessKey({NAME}, {bench.key.key_id.hex()})"
    file.chmod(0o440)
    with pytest.raises(Unusable, match="chmod 0400"):
        bench.restart()


@pytest.mark.parametrize("text", ["", "AAAA\n", "not base64!\n"])
async def test_a_key_file_that_holds_no_key_is_refused_and_not_quoted(bench: Bench, text: str):
    file = bench.folder / "witness.key"
    file.chmod(0o600)
    file.write_text(text)
    file.chmod(0o400)

    with pytest.raises(Unusable) as refused:
        bench.restart()
    assert not text or text.strip() not in str(refused.value)
