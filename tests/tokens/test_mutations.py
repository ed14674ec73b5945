"""Tokens changed at random: never accepted, and never anything but a rejection."""

import random

import pytest

from counterfoil_server.runtime.tokens.rejected import Rejected
from tests.tokens.forge import MINE, accepted, dumps, refusal, signed, token

HEAD = dumps({"alg": "RS256", "kid": "rsa"})
BODY = dumps(MINE)
GOOD = token()


@pytest.mark.parametrize("seed", range(40))
def test_a_mutated_token_is_rejected_and_raises_nothing_else(seed: int):
    """Any change of any octet breaks shape, header or signature."""
    chance = random.Random(seed)  # noqa: S311 a mutation, no secret
    for _ in range(25):
        raw = bytearray(GOOD)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(raw))
            match chance.randrange(3):
                case 0:
                    raw[place] ^= 1 << chance.randrange(8)
                case 1:
                    del raw[place]
                case 2:
                    raw.insert(place, chance.choice(b"AZaz09-_.=+/ {}\"'\0\xff"))
        if bytes(raw) != GOOD:
            refusal(bytes(raw))


@pytest.mark.parametrize("seed", range(20))
def test_mutated_json_under_a_good_signature_raises_nothing_but_a_rejection(seed: int):
    chance = random.Random(seed)  # noqa: S311 a mutation, no secret
    for _ in range(3):
        body = bytearray(BODY)
        for _ in range(chance.randint(1, 6)):
            body[chance.randrange(len(body))] = chance.choice(b'{}[]",:\\u0e+-.nNI \x00\xff')
        try:
            claims = accepted(signed(HEAD, bytes(body)))
        except Rejected:
            continue
        assert all(claims[name] == MINE[name] for name in ("iss", "aud")), "a mutation of another claim may pass, never of these"
