"""The guarded Kafka, for the tests of this folder."""

from tests.support.guarded import guarded

__all__ = ["guarded"]
