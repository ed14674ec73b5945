"""docs/asyncapi.json: AsyncAPI 3.0 of the whole bus.

FastStream says what the real stages subscribe to and publish. It knows no headers, no keys and nobody who reads or writes beside a stage
(the gateway, bus clients): that is completed here, from the contracts and from `topology`. https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from faststream.specification.asyncapi import AsyncAPI

from counterfoil.contracts import TOPICS
from counterfoil.contracts.base import Topic
from counterfoil.wire.kafka import Connection
from counterfoil.wire.kafka_topics import DEAD_LETTERS_KEPT, configs
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import bus
from counterfoil_server.runtime.dispatch import Dispatch
from counterfoil_server.runtime.settings import Settings
from deploy import headers
from deploy.examples import example
from deploy.schemas import all_in_one, kinds
from deploy.topology import StandIn, Traffic

Json = dict[str, Any]
CLUSTER = Connection("kafka.example:9093", username="counterfoil_<role>", password=Secret("-"), tls=True)
BINDING = "0.5.0"
TELLS = (
    "Lend credentials, keep the counterfoil: every request walks verify, authorize, mint, audit over these topics. Facts are CloudEvents 1.0 "
    "in Kafka's binary mode. `counterfoil` is the usual prefix; `make up` runs without TLS and passwords, on loopback only."
)


def document(roles: Mapping[str, Traffic], version: str) -> Json:
    asked = [(role, described(traffic)) for role, traffic in roles.items() if traffic.stages]
    base = asked[0][1]
    operations = dict(pair for role, traffic in roles.items() for pair in beside_stages(role, traffic))
    operations |= dict(pair for role, found in asked for pair in of_stages(role, found, roles[role]))
    return {
        "asyncapi": base["asyncapi"],
        "info": {"title": "Counterfoil", "version": version, "description": TELLS},
        "defaultContentType": base["defaultContentType"],
        "servers": {"cluster": next(iter(base["servers"].values()))},
        "channels": {name: made for topic in TOPICS for name, made in channels(topic, roles)},
        "operations": dict(sorted(operations.items())),
        "components": {
            "messages": {**{name: made for topic in TOPICS for name, made in messages(topic)}, "dead.letter": dead_letter()},
            "schemas": all_in_one(TOPICS, "#/components/schemas/{model}"),
            "securitySchemes": base["components"]["securitySchemes"],
        },
    }


def described(traffic: Traffic) -> Json:
    """What FastStream says of one process, from the very broker that it runs."""
    broker = bus.broker(CLUSTER, traffic.stages, cast("Dispatch", StandIn()), replica="0", pacing_ms=0)
    found: Json = AsyncAPI(broker, schema_version="3.0.0").to_specification().to_jsonable()
    return found


def of_stages(role: str, found: Json, traffic: Traffic) -> Iterable[tuple[str, Json]]:
    """FastStream has a channel for each subscriber; here a topic is one channel, whoever reads it."""
    groups = {topic.name: stage.group for stage in traffic.stages for topic in stage.reads}
    for operation in found["operations"].values():
        channel = found["channels"][operation["channel"]["$ref"].removeprefix("#/channels/").replace("%2B", "+")]
        topic = by_address(channel["address"])
        group = groups[topic.name] if operation["action"] == "receive" else None
        yield of_role(role, operation["action"], topic, group)
        if group:
            yield f"{role}.buries.{topic}", {"action": "send", "channel": {"$ref": f"#/channels/{topic}.dlq"}}


def beside_stages(role: str, traffic: Traffic) -> Iterable[tuple[str, Json]]:
    for topic in TOPICS:
        for action, names in (("send", traffic.said), ("receive", traffic.heard)):
            if topic.name in names:
                yield of_role(role, action, topic)


def of_role(role: str, action: str, topic: Topic, group: str | None = None) -> tuple[str, Json]:
    made: Json = {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{kind}"} for kind in kinds(topic)],
        "tags": [{"name": role}],
    }
    if group:
        made["bindings"] = {"kafka": {"groupId": {"type": "string", "const": f"{CLUSTER.prefix}.{group}"}, "bindingVersion": BINDING}}
    return f"{role}.{'sends' if action == 'send' else 'receives'}.{topic}", made


def by_address(address: str) -> Topic:
    return next(topic for topic in TOPICS if CLUSTER.topic(topic) == address)


def channels(topic: Topic, roles: Mapping[str, Traffic]) -> Iterable[tuple[str, Json]]:
    """The topic, and its dead letters where a stage reads it."""
    names = {kind: {"$ref": f"#/components/messages/{kind}.v{topic.version}"} for kind in kinds(topic)}
    yield str(topic), channel(str(topic), headline(topic), names, configs(topic.keep))
    if any(topic in stage.reads for traffic in roles.values() for stage in traffic.stages):
        letters = {"dead.letter": {"$ref": "#/components/messages/dead.letter"}}
        yield f"{topic}.dlq", channel(f"{topic}.dlq", f"Records of {topic} that no one could read.", letters, configs(DEAD_LETTERS_KEPT))


def channel(name: str, tells: str, names: Json, settings: Mapping[str, str]) -> Json:
    config = {
        "cleanup.policy": [settings["cleanup.policy"]],
        "retention.ms": int(settings["retention.ms"]),
        "max.message.bytes": int(settings["max.message.bytes"]),
    }
    binding = {"topic": CLUSTER.topic(name), "partitions": Settings.partitions, "topicConfiguration": config, "bindingVersion": BINDING}
    return {"address": CLUSTER.topic(name), "description": tells, "messages": names, "bindings": {"kafka": binding}}


def headline(topic: Topic) -> str:
    """The first line of the topic's module."""
    module = inspect.getmodule(next(iter(kinds(topic).values())))
    return str(inspect.getdoc(module)).partition("\n")[0]


def messages(topic: Topic) -> Iterable[tuple[str, Json]]:
    for kind, model in kinds(topic).items():
        yield (
            f"{kind}.v{topic.version}",
            {
                "name": kind,
                "title": model.__name__,
                "contentType": "application/json",
                "headers": headers.of(topic, kind),
                "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
                "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": BINDING}},
                "examples": [{"name": kind, "payload": json.loads(example(topic, kind))}],
            },
        )


def dead_letter() -> Json:
    return {
        "name": "dead.letter",
        "title": "DeadLetter",
        "summary": "The original bytes, key and headers, with the reason beside them. Never a no: that is a fact.",
        "headers": headers.of_dead_letters(),
        "payload": {"description": "whatever it was"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "the original one"}, "bindingVersion": BINDING}},
    }
