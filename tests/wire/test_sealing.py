"""Seal and open: what a box holds, who opens it, and what any change does to it."""

import copy
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.wire.sealing import HEAD, MOST, Opener, OpeningKey, Sealer, Unsealable, UnusableKey, usable_key
from counterfoil.wire.secret import Secret

INFO = b"request-hash"
PLAIN = b"the credential"
KEY, OTHER = OpeningKey.generate(), OpeningKey.generate()

# https://cr.yp.to/ecdh.html#validate, each with and without the bit that X25519 ignores
LOW_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
]
LOW_ORDER += [point[:31] + bytes([point[31] | 0x80]) for point in LOW_ORDER]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def code(box: bytes, info: bytes = INFO, opener: Opener | None = None) -> str:
    with pytest.raises(Unsealable) as caught:
        (opener or Opener([KEY])).open(box, info)
    return caught.value.code


@given(st.binary(max_size=2000), st.binary(max_size=100))
def test_what_is_sealed_opens_for_its_recipient(plain: bytes, info: bytes) -> None:
    assert Opener([OTHER, KEY]).open(Sealer().seal(plain, KEY.public, info), info).reveal() == plain


def test_a_secret_is_sealed_like_its_bytes() -> None:
    assert Opener([KEY]).open(Sealer().seal(Secret(PLAIN), KEY.public, INFO), INFO) == Secret(PLAIN)


def test_a_box_for_someone_else_is_no_concern_of_ours() -> None:
    assert code(Sealer().seal(PLAIN, OTHER.public, INFO)) == "unknown_key"


@pytest.mark.parametrize("plain", [PLAIN, b"x" * 600])
def test_every_changed_byte_is_refused(plain: bytes) -> None:
    box = Sealer().seal(plain, KEY.public, INFO)
    warm = Opener([KEY])
    warm.open(box, INFO)
    for at in range(len(box)):
        changed = box[:at] + bytes([box[at] ^ 1]) + box[at + 1 :]
        expected = "malformed" if at == 0 else "unknown_key" if at < 9 else "wrong_seal"
        assert code(changed, opener=warm) == expected, at


def test_every_cut_and_every_addition_is_refused() -> None:
    box = Sealer().seal(PLAIN, KEY.public, INFO)
    for at in range(len(box)):
        assert code(box[:at]) == "malformed"
    assert code(box + b"\x00") == "malformed"
    assert code(box + bytes(256)) == "wrong_seal"


@pytest.mark.parametrize("info", [b"", b"request-hasH", INFO + b"\x00", b"\x00" + INFO])
def test_another_info_is_refused_even_where_the_data_key_is_known(info: bytes) -> None:
    sealer, opener = Sealer(), Opener([KEY])
    opener.open(sealer.seal(PLAIN, KEY.public, INFO), INFO)
    assert code(sealer.seal(PLAIN, KEY.public, INFO), info, opener) == "wrong_seal"


def test_the_wrap_of_another_box_does_not_carry_a_message() -> None:
    one, two = (Sealer().seal(PLAIN, KEY.public, INFO) for _ in range(2))
    assert code(one[:HEAD] + two[HEAD:]) == "wrong_seal"


def test_the_wrap_is_bound_even_to_a_message_under_the_same_data_key() -> None:
    """Whoever knows a data key can wrap it again: a message must not move from one wrap to the other."""
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    box = Sealer().seal(PLAIN, KEY.public, INFO)
    data_key = suite.decrypt(box[9:HEAD], KEY.private, info=b"counterfoil/wrap/v1")
    again = suite.encrypt(data_key, X25519PublicKey.from_public_bytes(KEY.public), info=b"counterfoil/wrap/v1")
    assert code(box[:9] + again + box[HEAD:]) == "wrong_seal"


def test_only_the_one_padding_is_read() -> None:
    sealer = Sealer()
    box = sealer.seal(PLAIN, KEY.public, INFO)
    data_key = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM).decrypt(box[9:HEAD], KEY.private, info=b"counterfoil/wrap/v1")

    def odd(padded: bytes) -> bytes:
        return box[:HEAD] + bytes(12) + AESGCM(data_key).encrypt(bytes(12), padded, box[:HEAD] + INFO)

    good = (2).to_bytes(4) + b"ab" + bytes(250)
    assert Opener([KEY]).open(odd(good), INFO).reveal() == b"ab"
    for padded in (good[:-1] + b"\x01", good + bytes(256), (500).to_bytes(4) + good[4:], b"\xff\xff\xff\xff" + good[4:]):
        assert code(odd(padded)) == "malformed"


def test_length_is_hidden_in_buckets_of_256() -> None:
    sealer = Sealer()
    sizes = {size: len(sealer.seal(bytes(size), KEY.public, INFO)) for size in (0, 1, 252, 253, 508, 509)}
    assert sizes[0] == sizes[1] == sizes[252] == sizes[253] - 256 == sizes[508] - 256 == sizes[509] - 512


def test_one_encapsulation_serves_a_minute_and_a_recipient() -> None:
    clock = Clock()
    sealer = Sealer(clock)
    boxes = [sealer.seal(PLAIN, KEY.public, INFO) for _ in range(3)]
    clock.now += 59.9
    boxes.append(sealer.seal(PLAIN, KEY.public, INFO))
    assert len({box[:HEAD] for box in boxes}) == 1
    assert len({box[HEAD : HEAD + 12] for box in boxes}) == 4
    assert len(set(boxes)) == 4
    clock.now += 0.1
    assert sealer.seal(PLAIN, KEY.public, INFO)[:HEAD] != boxes[0][:HEAD]
    assert sealer.seal(PLAIN, OTHER.public, INFO)[:HEAD] != boxes[0][:HEAD]


def test_a_clock_that_ran_backwards_makes_a_new_data_key() -> None:
    sealer = Sealer()
    assert sealer.seal(PLAIN, KEY.public, INFO, now=100.0)[:HEAD] != sealer.seal(PLAIN, KEY.public, INFO, now=99.0)[:HEAD]


def test_a_data_key_is_used_up_after_its_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST == 2**20
    monkeypatch.setattr("counterfoil.wire.sealing.MOST", 3)
    sealer = Sealer()
    heads = [sealer.seal(PLAIN, KEY.public, INFO, now=1.0)[:HEAD] for _ in range(4)]
    assert heads[0] == heads[1] == heads[2] != heads[3]


def test_the_sealer_remembers_so_many_recipients_and_no_more() -> None:
    sealer = Sealer(Clock(), cache=2)
    first = sealer.seal(PLAIN, KEY.public, INFO)[:HEAD]
    for _ in range(2):
        sealer.seal(PLAIN, OpeningKey.generate().public, INFO)
    assert sealer.seal(PLAIN, KEY.public, INFO)[:HEAD] != first


class CountingKey(OpeningKey):
    """Counts how often its private half is asked for: once for each unwrapped data key."""

    asked = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "private":
            type(self).asked += 1
        return super().__getattribute__(name)


def test_the_opener_unwraps_a_data_key_once_until_it_has_grown_old() -> None:
    clock, key, sealer = Clock(), CountingKey.generate(), Sealer(Clock())
    opener = Opener([key], clock=clock)
    CountingKey.asked = 0
    for _ in range(3):
        opener.open(sealer.seal(PLAIN, key.public, INFO), INFO)
    assert CountingKey.asked == 1
    clock.now += 181
    opener.open(Sealer().seal(PLAIN, key.public, INFO), INFO)  # another data key comes: the old one goes
    opener.open(sealer.seal(PLAIN, key.public, INFO), INFO)
    assert CountingKey.asked == 3


def test_the_opener_remembers_so_many_data_keys_and_no_more() -> None:
    key = CountingKey.generate()
    opener, boxes = Opener([key], cache=2), [Sealer().seal(PLAIN, key.public, INFO) for _ in range(3)]
    CountingKey.asked = 0
    for box in [*boxes, boxes[2], boxes[0]]:
        opener.open(box, INFO)
    assert CountingKey.asked == 4


def test_a_key_added_later_opens_and_a_forgotten_one_never_again() -> None:
    opener, box = Opener(), Sealer().seal(PLAIN, KEY.public, INFO)
    assert code(box, opener=opener) == "unknown_key"
    opener.add(KEY)
    assert opener.open(box, INFO).reveal() == PLAIN
    opener.forget(KEY.kid)
    assert code(box, opener=opener) == "unknown_key"
    opener.forget(KEY.kid)


def test_forgetting_one_key_keeps_the_others() -> None:
    opener, box = Opener([KEY, OTHER]), Sealer().seal(PLAIN, OTHER.public, INFO)
    opener.forget(KEY.kid)
    assert opener.open(box, INFO).reveal() == PLAIN


@pytest.mark.parametrize("public", LOW_ORDER)
def test_a_low_order_key_is_unusable_and_never_sealed_to(public: bytes) -> None:
    assert not usable_key(public)
    with pytest.raises(UnusableKey):
        Sealer().seal(PLAIN, public, INFO)


@pytest.mark.parametrize("public", [b"", bytes([9]) * 31, bytes([9]) * 33])
def test_a_key_of_another_length_is_unusable(public: bytes) -> None:
    assert not usable_key(public)
    with pytest.raises(UnusableKey):
        Sealer().seal(PLAIN, public, INFO)


def test_an_ordinary_key_is_usable() -> None:
    assert usable_key(KEY.public)


def test_a_key_comes_back_from_its_bytes() -> None:
    again = OpeningKey.from_bytes(KEY.private_bytes())
    assert (again.public, again.kid) == (KEY.public, KEY.kid)
    assert again.kid != OTHER.kid
    assert len(again.kid) == 16


def test_a_private_key_does_not_show_and_is_not_pickled() -> None:
    assert repr(KEY) == f"OpeningKey({KEY.kid})"
    for store in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            store(KEY)
