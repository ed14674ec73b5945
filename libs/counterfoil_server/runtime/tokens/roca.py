"""ROCA (CVE-2017-15361): the fingerprint of the RSA keys of a faulty chip, which can be factored.

Such primes are k * M + (65537^a mod M), M a product of the first primes: the modulus is a power of 65537 modulo each of them.
Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's Attack, ACM CCS 2017, section 3. https://crocs.fi.muni.cz/public/papers/rsa_ccs17
"""

GENERATOR = 65537
# With 2 they are the first 39 primes, whose product is M of the smallest keys (512 bits); M of larger keys is a multiple of it.
PRIMES = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97),
    *(101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167),
)
POWERS = {prime: frozenset(pow(GENERATOR, exponent, prime) for exponent in range(prime)) for prime in PRIMES}


def fingerprinted(modulus: int) -> bool:
    """An honest key has it by chance once in about 2^28."""
    return all(modulus % prime in powers for prime, powers in POWERS.items())
