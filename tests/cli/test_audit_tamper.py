"""Every single-leaf edit, deletion, insertion, swap, truncation and fork of a log is found: more than ten thousand are tried.

`make unit ARGS="tests/cli/test_audit_tamper.py -s"` prints how many of each.
"""

import io
import json
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from counterfoil.audit import export_file
from counterfoil.audit.chain import Chain
from counterfoil.audit.export_file import BadExport, Head, Leaf
from counterfoil.audit.verification import Tampered, Verification, verify
from counterfoil.wire.canonical import canonical
from counterfoil.wire.merkle import leaf_hash, root
from tests.support.made_log import ORIGIN, MadeLog

SIZE = 240
SEED = 20261124


def seeded() -> random.Random:
    return random.Random(SEED)  # noqa: S311 the same every time: that is its use


Trial = tuple[str, int, list[Leaf | Head], list[str]]
"""What was done; how many leaves at the beginning are as they were; the lines after those; heads that are held."""


@pytest.fixture(scope="module")
def log() -> MadeLog:
    return MadeLog.of(SIZE)


def lines(leaves: list[bytes], first: int = 0) -> list[Leaf | Head]:
    return [Leaf(at, leaf) for at, leaf in enumerate(leaves, first)]


def fitted(leaves: list[bytes], at: int, last: bytes) -> list[bytes]:
    """By somebody who can write but not sign: from `at` on, each leaf says that it is the next."""
    found = []
    for place, leaf in enumerate(leaves, at):
        found.append(canonical({**json.loads(leaf), "seq": place, "prev": last.hex()}, exact=True))
        last = leaf_hash(found[-1])
    return found


def trials(log: MadeLog, chance: random.Random) -> Iterator[Trial]:
    leaves, head = log.leaves, log.head()
    end: list[Leaf | Head] = [Head(head)]
    for at, leaf in enumerate(leaves):
        after = leaves[at + 1 :]
        for _ in range(32):  # one byte becomes another
            place, other = chance.randrange(len(leaf)), chance.randrange(1, 256)
            yield "edit", at, [*lines([leaf[:place] + bytes([leaf[place] ^ other]) + leaf[place + 1 :], *after[:1]], at), *ends(log, at + 2)], []
        for changed in edits(leaf):
            yield "edit, canonical", at, [*lines([changed, *after], at), *end], []
        yield "deletion", at, [*[Leaf(place, one) for place, one in enumerate(after, at + 1)], *end], []
        yield "deletion, renumbered", at, [*lines(after, at), *end], []
        yield "insertion", at, [*lines([leaf, leaf, *after[:1]], at), *ends(log, at + 2)], []
        yield "insertion of another", at, [*lines([chance.choice(leaves[:at] + after), leaf, *after[:1]], at), *ends(log, at + 2)], []
        for with_ in {at + 1, chance.randrange(SIZE), chance.randrange(SIZE)} - {at, SIZE}:
            swapped = list(leaves)
            swapped[at], swapped[with_] = swapped[with_], swapped[at]
            yield "swap", min(at, with_), [*lines(swapped[min(at, with_) :], min(at, with_)), *end], []
        yield "truncation", at, [*end], []
        yield "truncation to an older head", at, [Head(log.head(at))] if at else [], [head]
        yield "truncation without a head", at, [], []


def rewritten(log: MadeLog, chance: random.Random) -> Iterator[Trial]:
    """What follows is made to fit, so that only the root tells."""
    leaves, head = log.leaves, log.head()
    for at in range(0, SIZE, 4):
        last = leaf_hash(leaves[at - 1]) if at else bytes(32)
        edited, other = next(edits(leaves[at])), chance.choice(leaves)
        for what, found in (
            ("edit", [edited, *leaves[at + 1 :]]), ("deletion", [*leaves[at + 1 :], leaves[-1]]), ("insertion", [other, *leaves[at:-1]]),
        ):  # fmt: skip
            anew = fitted(found, at, last)
            yield f"{what}, all after it made to fit", at, [*lines(anew, at), Head(head)], []
        anew = fitted([edited, *leaves[at + 1 :]], at, last)
        forked = log.key.sign(ORIGIN, SIZE, root([*log.hashes(at), *map(leaf_hash, anew)]))
        yield "fork, same size", at, [*lines(anew, at), Head(forked)], [head]
        yield "fork, held at an older size", at, [*lines(anew, at), Head(forked)], [log.head(at + 1)]


def ends(log: MadeLog, size: int) -> list[Leaf | Head]:
    """Enough for whatever is told at once: the rest of the log would not be read."""
    return [Leaf(size, log.leaves[size]), Head("never read")] if size < SIZE else [Head(log.head())]


def edits(leaf: bytes) -> Iterator[bytes]:
    members = json.loads(leaf)
    for name, value in sorted(members["fact"].items()):
        if isinstance(value, str):
            yield canonical({**members, "fact": {**members["fact"], name: f"{value}x"}}, exact=True)
    yield canonical({**members, "time": "2020-01-01T00:00:00.000000Z"}, exact=True)


class Tried:
    """The state after each prefix is kept: what is not changed is not read again for each trial."""

    def __init__(self, log: MadeLog) -> None:
        self._log, chain = log, Chain()
        self._after = [(chain.edge, chain.last)]
        for leaf in log.leaves:
            chain.add(leaf)
            self._after.append((chain.edge, chain.last))

    def found(self, trial: Trial) -> bool:
        _, kept, rest, held = trial
        checking = Verification([self._log.key.vkey])
        checking._chain = Chain(*self._after[kept])
        try:
            for note in held:
                checking.hold(note, "a head kept elsewhere")
            for one in rest:
                checking.leaf(one) if isinstance(one, Leaf) else checking.head(one.checkpoint, "its checkpoint")
            checking.end()
        except Tampered:
            return True
        return False


def test_more_than_ten_thousand_single_changes_are_all_found(log: MadeLog):
    tried, counts, missed = Tried(log), Counter[str](), []
    for make in (trials, rewritten):
        for trial in make(log, seeded()):
            counts[trial[0]] += 1
            missed += [] if tried.found(trial) else [trial[:2]]
    for what, count in counts.items():
        print(f"{count:6} {what}")  # noqa: T201 the figure
    print(f"{counts.total():6} tried, {len(missed)} missed")  # noqa: T201 the figure

    assert missed == []
    assert counts.total() >= 10_000
    assert min(counts.values()) >= SIZE // 4


def test_a_log_that_nobody_touched_is_not_found_to_be_changed(log: MadeLog):
    tried = Tried(log)

    assert not any(tried.found(("nothing", at, [*lines(log.leaves[at:], at), Head(log.head())], [log.head(SIZE)])) for at in range(0, SIZE, 40))


def test_what_is_read_from_its_middle_ends_as_what_is_read_whole(log: MadeLog):
    """The trials begin where the log was changed. A sample of them as whole files, by way of the file."""
    some = [*trials(log, seeded())][::500] + [*rewritten(log, seeded())][::25]
    assert len(some) > 30
    for _, kept, rest, held in some:
        text = "\n".join(map(written, [*lines(log.leaves[:kept]), *rest])) + "\n"
        with pytest.raises((Tampered, BadExport)):
            verify([log.key.vkey], [("file", export_file.read(io.BytesIO(text.encode(errors="surrogateescape"))))], [("held", one) for one in held])


def written(one: Leaf | Head) -> str:
    if isinstance(one, Head):
        return export_file.head_line(one.checkpoint)
    return export_file.leaf_line(one.index, one.leaf.decode(errors="replace"))
