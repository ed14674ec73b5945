"""The JSON Schemas of everything that travels: one per kind of each topic, one per registry entry."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from counterfoil.contracts.base import Message, Topic
from counterfoil.contracts.registry import Connector, Installation, Issuer, Link, Operator, Policy

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
ENTRIES: Sequence[type[BaseModel]] = (Issuer, Connector, Installation, Link, Policy, Operator)


def kinds(topic: Topic) -> Mapping[str, type[Message]]:
    """What a topic carries, by kind. The one message without a `kind` goes by its topic's name."""
    return {kind_of(model, topic.name): model for model in get_args(topic.carries) or (topic.carries,)}


def kind_of(model: type[BaseModel], otherwise: str = "") -> str:
    return str(model.model_fields["kind"].default) if "kind" in model.model_fields else otherwise


def schema(model: type[BaseModel], identifier: str) -> Schema:
    """What a reader takes."""
    return {"$schema": DRAFT, "$id": identifier, **with_kind(ordered(TypeAdapter(model).json_schema(mode="validation")))}


def with_kind(made: Schema) -> Schema:
    """`kind` is required although its model has a default for it: no writer ever leaves it out."""
    return {**made, "required": ["kind", *made.get("required", [])]} if "kind" in made["properties"] else made


def ordered(node: Any) -> Any:
    """A set has no order, and so its default came out in that of this run's hashes."""
    if isinstance(node, list):
        return [ordered(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: ordered(value) for name, value in node.items()}
    if found.get("uniqueItems") is True and isinstance(found.get("default"), list):
        found["default"] = sorted(found["default"])
    return found


def of_topics(topics: Iterable[Topic]) -> Mapping[str, Schema]:
    """By path below `schemas/`. The identifier is what `ce_dataschema` says."""
    return {
        f"{topic}/{kind}.json": schema(model, f"urn:counterfoil:schema:{topic}:{kind}") for topic in topics for kind, model in kinds(topic).items()
    }


def of_registry() -> Mapping[str, Schema]:
    return {f"registry/{kind_of(model)}.json": schema(model, f"urn:counterfoil:schema:registry:{kind_of(model)}") for model in ENTRIES}


def all_in_one(topics: Iterable[Topic], reference: str) -> Mapping[str, Schema]:
    """Every model of these topics by its name, each once, for a document that holds them all."""
    models = {model.__name__: model for topic in topics for model in kinds(topic).values()}
    _, made = models_json_schema([(model, "validation") for model in models.values()], ref_template=reference)
    found = {name: ordered(one) for name, one in sorted(made["$defs"].items())}
    return {name: with_kind(one) if name in models else one for name, one in found.items()}
