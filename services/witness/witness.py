"""What a witness answers: it cosigns a head that continues the one it cosigned last, and no other.

https://c2sp.org/tlog-witness
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.checkpoint import BadCheckpoint, Checkpoint
from counterfoil.wire.consistency import Inconsistent, check_consistency
from counterfoil.wire.cosignature import WitnessKey
from counterfoil.wire.merkle import EMPTY
from services.witness.memory import Memory
from services.witness.requests import Asked, Malformed

TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """`code`: why not, for the log line; of a good answer it is `cosigned`."""

    status: HTTPStatus
    code: str
    text: str
    kind: str = TEXT
    size: int | None = None


class Witness:
    """`logs`: by origin the vkeys that it trusts to sign that log's heads; several while a log key is rotated."""

    def __init__(self, key: WitnessKey, logs: Mapping[str, Sequence[str]], memory: Memory, now: Callable[[], float]) -> None:
        self._key, self._logs, self._memory, self._now = key, logs, memory, now

    def add(self, body: bytes) -> Answer:
        """Nothing in here waits for anything but the disk, so that nobody comes between a look at the last head and its replacement."""
        try:
            asked = Asked.parse(body)
        except Malformed:
            return no(HTTPStatus.BAD_REQUEST, "malformed_request", "the body is `old N`, the lines of a proof, an empty line, and a checkpoint")
        return self._refusal(asked) or self._inconsistency(asked) or self._cosigned(asked)

    def _refusal(self, asked: Asked) -> Answer | None:
        """In the order of the specification."""
        vkeys, last = self._logs.get(asked.head.origin), self._memory.head(asked.head.origin)
        if vkeys is None:
            return no(HTTPStatus.NOT_FOUND, "unknown_origin", "this witness does not know that log")
        try:
            checkpoints.check(asked.note, vkeys, asked.head.origin)
        except BadCheckpoint as bad:
            return no(HTTPStatus.FORBIDDEN, bad.code, "no good signature of a key that this witness knows the log by")
        if asked.old > asked.head.size:
            return no(HTTPStatus.BAD_REQUEST, "old_beyond_size", "the old size is beyond that of the checkpoint")
        size = last.size if last else 0
        if asked.old != size:
            return Answer(HTTPStatus.CONFLICT, "other_size", f"{size}\n", SIZE, size)
        return None

    def _inconsistency(self, asked: Asked) -> Answer | None:
        """An empty tree is checked by itself: it is consistent with whatever root it may claim."""
        last, head = self._memory.head(asked.head.origin), asked.head
        code = "" if head.size or head.root == EMPTY else "inconsistent"
        try:
            check_consistency(asked.old, last.root if last else EMPTY, head.size, head.root, asked.path)
        except Inconsistent as bad:
            code = bad.code
        said = "the checkpoint is not shown to continue the one that was cosigned last\n"
        return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, code, said, size=head.size) if code else None

    def _cosigned(self, asked: Asked) -> Answer:
        head, vkeys = asked.head, self._logs[asked.head.origin]
        line = self._key.cosign(head.body, max(1, int(self._now())))
        self._memory.keep(head.origin, f"{head.body}\n{logs_own(head, asked.note, vkeys)}{line}")
        return Answer(HTTPStatus.OK, "cosigned", line, size=head.size)


def logs_own(head: Checkpoint, note: str, vkeys: Sequence[str]) -> str:
    """The lines of keys that were checked: what else stood under the note was believed by nobody."""
    known = {tuple(vkey.split("+", 2)[:2]) for vkey in vkeys}
    lines = note.rpartition("\n\n")[2].splitlines(keepends=True)
    return "".join(line for each, line in zip(head.signatures, lines, strict=True) if (each.name, each.key_id.hex()) in known)


def no(status: HTTPStatus, code: str, said: str) -> Answer:
    return Answer(status, code, f"{said}\n")
