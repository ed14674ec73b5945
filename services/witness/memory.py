"""A witness's memory: of each log the last head that it cosigned, in one file that is replaced whole, and is on disk before anybody is answered.

A witness without its memory would cosign another history, so one whose memory is gone does not start.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.checkpoint import Checkpoint
from counterfoil.wire.cosignature import WitnessVKey

FILE, LOCK = "heads.json", "lock"
FRESH = '"logs": {}'
"""Nothing was cosigned yet: a first start that was cut off before its key was on disk."""
ANEW = "restore it; if it is lost, move the key file away as well: under a new key, with a new vkey for readers, nothing was promised yet"


class Unusable(RuntimeError):
    """The state cannot be trusted, or is another process's. Says what to do."""


class Memory:
    """One process at a time: the kernel gives its lock back when it ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._vkey = folder, ""
        self._lock = claimed(folder / LOCK)
        self._notes: dict[str, str] = {}

    def begin(self, vkey: str) -> None:
        """Of a key that was made just now, before it is on disk: a key without a memory is one whose memory was lost."""
        file = self._folder / FILE
        if file.exists() and FRESH not in file.read_text():
            raise Unusable(f"{file} is of a key whose file is gone: restore that key, or move both away and begin anew")
        self._vkey = vkey
        self._write({})

    def recall(self, vkey: str) -> None:
        """Of a key that was there before."""
        self._vkey = vkey
        self._notes = self._read()

    def note(self, origin: str) -> str | None:
        """The last head of this log with the log's signature and ours."""
        return self._notes.get(origin)

    def head(self, origin: str) -> Checkpoint | None:
        note = self._notes.get(origin)
        return None if note is None else checkpoints.parse(note)

    def keep(self, origin: str, note: str) -> None:
        """Returns once it would survive a loss of power."""
        notes = {**self._notes, origin: note}
        self._write(notes)
        self._notes = notes

    def close(self) -> None:
        self._lock.close()

    def _read(self) -> dict[str, str]:
        file = self._folder / FILE
        try:
            found = json.loads(file.read_text())
            notes = {str(origin): str(note) for origin, note in found["logs"].items()}
            cosigned = all(self._ours(origin, note) for origin, note in notes.items())
        except FileNotFoundError:
            raise Unusable(f"{file} is not there, and this key may have cosigned already: {ANEW}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unusable(f"{file} cannot be read ({type(error).__name__}): {ANEW}") from None
        if found.get("vkey") != self._vkey or not cosigned:
            raise Unusable(f"{file} does not hold what this key has cosigned: {ANEW}")
        return notes

    def _ours(self, origin: str, note: str) -> bool:
        head = checkpoints.parse(note)
        return head.origin == origin and WitnessVKey.parse(self._vkey).signed_at(head) is not None

    def _write(self, notes: Mapping[str, str]) -> None:
        text = json.dumps({"vkey": self._vkey, "logs": notes}, ensure_ascii=False)
        beside = self._folder / f"{FILE}.new"
        with beside.open("w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self._folder / FILE)
        flush(self._folder)


def flush(folder: Path) -> None:
    """A rename is on disk once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def claimed(file: Path) -> IO[str]:
    lock = file.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Unusable(f"{file.parent} is in use by another witness: end that one, or give this one a COUNTERFOIL_WITNESS_STATE of its own") from None
    return lock
