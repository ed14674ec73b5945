"""When answers flow again is measured rightly."""

from aiokafka.partitioner import DefaultPartitioner

from tests.faults.flow import back, place

KEYS = [f"key-{number}" for number in range(40)]


def of(partition: int) -> str:
    return next(key for key in KEYS if place(key) == partition)


def test_a_key_has_the_partition_that_kafkas_clients_give_it():
    assert [place(key) for key in KEYS] == [DefaultPartitioner()(key.encode(), [0, 1, 2, 3], [0, 1, 2, 3]) for key in KEYS]


def test_it_is_back_when_the_last_partition_has_done_something_new():
    done = [(of(0), 100.5, 101.0), (of(1), 100.1, 104.0), (of(1), 101.0, 102.0), (of(2), 101.0, 101.5), (of(3), 103.0, 107.0)]

    assert back(done, 100.0) == 7.0


def test_what_began_before_says_nothing():
    done = [(of(number), 99.0, 101.0) for number in range(4)]

    assert back(done, 100.0) is None
    assert back([*done, *((of(number), 100.0, 101.0) for number in range(3))], 100.0) is None
