"""The ROCA fingerprint, against the structure that the paper publishes."""

import random
from math import prod

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil_server.runtime.tokens.rejected import Rejected
from counterfoil_server.runtime.tokens.roca import GENERATOR, POWERS, PRIMES, fingerprinted
from tests.tokens.forge import RSA_KEY, accepted, jwk, key_set, number, token

# The residues that the authors' own detector marks, as bits: 1026 is {1, 10} modulo 11.
MARKED = {3: 6, 5: 30, 7: 126, 11: 1026, 13: 5658, 17: 107286, 19: 199410, 37: 67109890}


def primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def is_prime(candidate: int, chance: random.Random) -> bool:
    """Miller and Rabin, 12 rounds."""
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(12):
        power = pow(chance.randrange(2, candidate - 1), odd, candidate)
        if power in {1, candidate - 1}:
            continue
        for _ in range(twos - 1):
            power = power * power % candidate
            if power == candidate - 1:
                break
        else:
            return False
    return True


def infineon(bits: int, factors: int, chance: random.Random) -> int:
    """A prime k * M + (65537^a mod M), as the faulty chip makes them."""
    primorial = prod(primes(factors))
    while True:
        residue = pow(GENERATOR, chance.randrange(2**64), primorial)
        candidate = (chance.getrandbits(bits - primorial.bit_length()) | 1 << (bits - primorial.bit_length() - 1)) * primorial + residue
        if candidate.bit_length() == bits and is_prime(candidate, chance):
            return candidate


@pytest.mark.parametrize(("bits", "factors"), [(512, 71), (1024, 126)])
def test_a_modulus_made_as_the_chip_does_has_the_fingerprint(bits: int, factors: int):
    """The paper's table 1: M has 71 prime factors for keys of 1024 bits, 126 for 2048."""
    chance = random.Random(bits)  # noqa: S311 a weak key is the point
    assert fingerprinted(infineon(bits, factors, chance) * infineon(bits, factors, chance))


def test_such_a_key_verifies_nothing():
    chance = random.Random(7)  # noqa: S311 a weak key is the point
    modulus = 0
    while modulus.bit_length() != 2048:
        modulus = infineon(1024, 126, chance) * infineon(1024, 126, chance)
    with pytest.raises(Rejected, match=r"bad_key.*ROCA"):
        key_set(jwk("rsa", n=number(modulus))).key("rsa", "RS256")


def test_one_such_prime_is_not_enough():
    chance = random.Random(9)  # noqa: S311 a weak key is the point
    assert not fingerprinted(infineon(512, 71, chance) * RSA_KEY.private_numbers().p)


def test_honest_keys_have_it_not():
    for _ in range(20):
        assert not fingerprinted(rsa.generate_private_key(65537, 2048).public_key().public_numbers().n)
    assert accepted(token())


def test_the_residues_are_those_of_the_published_detector():
    for prime, bits in MARKED.items():
        assert sum(1 << residue for residue in POWERS[prime]) == bits


def test_an_honest_modulus_has_it_by_chance_once_in_2_to_the_28():
    """Of the prime - 1 residues that a modulus can leave."""
    by_chance = prod(len(POWERS[prime]) / (prime - 1) for prime in PRIMES)
    assert 2**-28 < by_chance < 2**-27
