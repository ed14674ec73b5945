"""An identity that decisions rest on, kept until theirs come by: most stand a batch apart. As text, since thousands are."""

import json
from datetime import datetime
from typing import NamedTuple

from counterfoil.contracts.exchange_verified import IdentityVerified
from services.ops.replay.verify_recorded import Recorded
from services.ops.replay.verify_text import Identity


class Question(NamedTuple):
    """What an answer was kept for: all of an identity that a decision reads, beside its `sub_hash`, what was asked and the time."""

    issuer_hash: bytes
    connector: str
    project: str
    number: int


class Who:
    """`cut`, `question`: where the identity was found sound, and its text is as our models write it. `model`: where it had to be read anyway."""

    __slots__ = ("cut", "id", "leaf", "model", "question", "sha256")

    def __init__(self, leaf: bytes, name: str, sha256: str, cut: Identity | None = None, question: Question | None = None) -> None:
        self.leaf, self.id, self.sha256, self.cut, self.question = leaf, name, sha256, cut, question
        self.model: IdentityVerified | None = None

    @classmethod
    def of(cls, one: Recorded) -> "Who":
        return cls(one.leaf, str(one.fact.get("id")), one.sha256)

    def read(self) -> IdentityVerified:
        """As it was recorded. Mostly once."""
        model, self.model = self.model, None
        return IdentityVerified.model_validate({**json.loads(self.leaf)["fact"], "subject_box": ""}) if model is None else model

    @property
    def deadline(self) -> datetime | None:
        return None if self.cut is None else self.cut.deadline
