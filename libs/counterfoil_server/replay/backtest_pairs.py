"""What was asked and what came of it, brought together by the request: topics have no order among each other, so either may come first."""

from collections import deque
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Pairs(Generic[Question, Answer]):
    """Holds what still waits for its other half, and nothing else."""

    def __init__(self) -> None:
        self._asked: dict[str, deque[Question]] = {}
        self._answered: dict[str, deque[Answer]] = {}

    def asked(self, request_hash: str, one: Question) -> tuple[Question, Answer] | None:
        answer = taken(self._answered, request_hash)
        if answer is not None:
            return one, answer
        self._asked.setdefault(request_hash, deque()).append(one)
        return None

    def answered(self, request_hash: str, one: Answer) -> tuple[Question, Answer] | None:
        question = taken(self._asked, request_hash)
        if question is not None:
            return question, one
        self._answered.setdefault(request_hash, deque()).append(one)
        return None

    def unanswered(self) -> list[Question]:
        return [one for waiting in self._asked.values() for one in waiting]

    def unasked(self) -> list[Answer]:
        return [one for waiting in self._answered.values() for one in waiting]


def taken(waiting: dict[str, "deque[Question]"], request_hash: str) -> Question | None:
    found = waiting.get(request_hash)
    if not found:
        return None
    one = found.popleft()
    if not found:
        del waiting[request_hash]
    return one
