"""Secret: whatever is done to it, its bytes do not show."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

from counterfoil.wire.secret import Secret

CANARY = "c4n4ry-5ec7et"


def shown_by(act: Callable[[Secret], object]) -> str:
    """All that a person could read of it: the answer, or the whole traceback with its causes and arguments."""
    try:
        return repr(act(Secret(CANARY)))
    except Exception as error:  # noqa: BLE001  whatever it is, it must not show the canary
        chain = [error, error.__cause__, error.__context__]
        return "".join(traceback.format_exception(error)) + repr([(each, getattr(each, "args", ()), vars(each)) for each in chain if each])


@dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "act",
    [
        repr,
        str,
        ascii,
        lambda s: f"{s} {s!r} {s:>40} {s!s:.99}",
        lambda s: "%s %r" % (s, s),  # noqa: UP031  the old way must be silent too
        lambda s: [s, {"key": s}, (s,)],
        Holder,
        lambda s: [asdict(Holder(s))],
        lambda s: ValueError("broke with", s),
        lambda s: {}[s],
        lambda s: s + b"",
        lambda s: s < Secret(""),
        bytes,
        len,
        vars,
        json.dumps,
        lambda s: json.dumps({"key": s}, default=str),
        pickle.dumps,
        lambda s: pickle.dumps(Holder(s), protocol=0),
        lambda s: s.__reduce__(),
        lambda s: s.__reduce_ex__(2),
        lambda s: s.__getstate__(),
    ],
)
def test_nothing_that_prints_or_stores_shows_a_secret(act: Callable[[Secret], object]) -> None:
    assert CANARY not in shown_by(act)


def test_the_canary_would_have_been_seen() -> None:
    assert CANARY in shown_by(lambda s: s.text())
    assert CANARY in shown_by(lambda s: dict[str, int]()[s.text()])


def test_a_secret_is_refused_by_pickle_and_json() -> None:
    for dump in (pickle.dumps, json.dumps):
        with pytest.raises(TypeError):
            dump(Secret(CANARY))


def test_a_log_line_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("got %s and %r", Secret(CANARY), {"secret": Secret(CANARY)})
    assert "Secret(***)" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize("act", [lambda: Secret(b"\xff" + CANARY.encode()).text(), lambda: Secret("\ud800" + CANARY)])
def test_a_failed_conversion_keeps_no_bytes_in_its_error(act: Callable[[], object]) -> None:
    shown = shown_by(lambda _: act())
    assert "ValueError" in shown
    assert CANARY not in shown


def test_text_and_bytes_come_back_as_they_went_in() -> None:
    assert Secret("pässword").reveal() == "pässword".encode()
    assert Secret(b"\x00\xff").reveal() == b"\x00\xff"
    assert Secret("pässword").text() == "pässword"


def test_only_bytes_and_text_are_wrapped() -> None:
    for wrong in (None, 7, bytearray(b"x"), Secret("x")):
        with pytest.raises(TypeError):
            Secret(wrong)  # type: ignore[arg-type]


def test_secrets_are_equal_by_content_and_to_nothing_else() -> None:
    assert Secret("a") == Secret(b"a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != Secret("aa")
    assert Secret("a") != "a"


def test_a_secret_is_no_key_of_a_dict() -> None:
    with pytest.raises(TypeError):
        hash(Secret("a"))


def test_a_copy_is_the_same_secret() -> None:
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
