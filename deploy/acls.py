"""Kafka's own guard: which principal may do what on which topic and in which group, made from TOPICS and from the groups that stages join."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from counterfoil.contracts import TOPICS
from deploy.topology import Traffic, everyone

OPS, REDRIVE, CONSUMER, REPLAY = "ops", "redrive", "consumer", "replay"
TOPIC, GROUP = "topic", "group"
ADMINISTRATION = ("Create", "Describe", "DescribeConfigs", "Alter", "AlterConfigs", "Delete")


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One cell. `name` is without prefix; an empty one stands for whatever begins with the prefix."""

    role: str
    operation: str
    kind: str
    name: str


@cache
def grants() -> tuple[Grant, ...]:
    """All of them, each once. What is not here is refused: `allow.everyone.if.no.acl.found=false`."""
    found = everyone()
    return tuple(dict.fromkeys([*on_topics(), *in_groups(found), *dead_letters(found), *replayed(), *administration()]))


def on_topics() -> Iterator[Grant]:
    for topic in TOPICS:
        yield from (Grant(role, "Write", TOPIC, str(topic)) for role in topic.written_by)
        yield from (Grant(role, "Read", TOPIC, str(topic)) for role in topic.read_by)


def in_groups(found: Mapping[str, Traffic]) -> Iterator[Grant]:
    """Literal names: a prefixed right on `revoke` would be one on the groups of `revoker`, too."""
    for role, traffic in found.items():
        yield from (Grant(role, "Read", GROUP, stage.group) for stage in traffic.stages)
    yield Grant(CONSUMER, "Read", GROUP, CONSUMER)


def dead_letters(found: Mapping[str, Traffic]) -> Iterator[Grant]:
    """A stage buries what it cannot read; whoever puts it back reads the grave, and writes to the topic it came from."""
    for role, traffic in found.items():
        for topic in dict.fromkeys(topic for stage in traffic.stages for topic in stage.reads):
            yield Grant(role, "Write", TOPIC, f"{topic}.dlq")
            yield Grant(REDRIVE, "Read", TOPIC, f"{topic}.dlq")
            yield Grant(REDRIVE, "Write", TOPIC, str(topic))


def replayed() -> Iterator[Grant]:
    """What `counterfoil replay stage` reads, without a group: whatever audit reads, the topics of the other stages among it."""
    return (Grant(REPLAY, "Read", TOPIC, str(topic)) for topic in TOPICS if "audit" in topic.read_by)


def administration() -> Iterator[Grant]:
    return (Grant(OPS, operation, TOPIC, "") for operation in ADMINISTRATION)


def roles() -> Sequence[str]:
    """In the order of the walk; those that are no process of ours come last."""
    return tuple(dict.fromkeys(one.role for one in grants()))


def processes() -> Sequence[str]:
    return tuple(role for role in roles() if role in everyone() and role != "client")


def of(role: str, operation: str, kind: str) -> Sequence[str]:
    """The names that a role has this right on."""
    return tuple(one.name for one in among(grants(), role) if (one.operation, one.kind) == (operation, kind))


def among(found: Iterable[Grant], role: str) -> Sequence[Grant]:
    return tuple(one for one in found if one.role == role)
