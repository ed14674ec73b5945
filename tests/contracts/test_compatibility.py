"""What counts as breaking within `.v1`, and that nothing else slips through."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from counterfoil.contracts import TOPICS
from deploy.compatibility import breaking
from deploy.schemas import of_registry, of_topics

Schema = dict[str, Any]
BASE: Schema = {
    "type": "object",
    "$defs": {"Place": {"type": "object", "properties": {"partition": {"type": "integer", "minimum": 0}}, "required": ["partition"]}},
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "code": {"type": "string", "enum": ["late", "expired"]},
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 8},
        "rule": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "place": {"$ref": "#/$defs/Place"},
        "scopes": {"type": "array", "items": {"type": "string"}},
        "claims": {"type": "object", "additionalProperties": True},
    },
    "required": ["id", "code"],
}


def changed(**members: Any) -> Schema:
    made = copy.deepcopy(BASE)
    for name, value in members.items():
        made["properties"][name] = value
    return made


def without(name: str) -> Schema:
    made = copy.deepcopy(BASE)
    del made["properties"][name]
    return made


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (without("name"), "name: property removed or renamed"),
        ({**BASE, "required": ["id", "code", "name"]}, "name: property became required"),
        ({**BASE, "required": ["id"]}, "code: property is no longer required, and older readers rely on it"),
        ({**BASE, "additionalProperties": False}, "(all of it): additionalProperties tightened"),
        ({**BASE, "type": "array"}, "(all of it): type narrowed, from object to array"),
        (changed(code={"type": "string", "enum": ["late"]}), "code: enum value removed: expired"),
        (changed(code={"type": "string", "const": "late"}), "code: enum value removed: expired"),
        (changed(name={"type": "string", "pattern": "^[a-y]+$", "maxLength": 8}), "name: pattern tightened, from ^[a-z]+$ to ^[a-y]+$"),
        (changed(name={"type": "string", "pattern": "^[a-z]+$", "maxLength": 7}), "name: maxLength tightened, from 8 to 7"),
        (changed(name={"type": "string", "enum": ["a"]}), "name: type narrowed, only ['a'] is taken"),
        (changed(rule={"type": "string"}), "rule: type narrowed, null is refused"),
        (changed(rule={"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}), "rule: minLength tightened, from none to 1"),
        (changed(id={"type": "string", "format": "date-time"}), "id: format changed, from uuid to date-time"),
        (changed(scopes={"type": "array", "items": {"type": "integer"}}), "scopes[]: type narrowed, from string to integer"),
        (changed(scopes={"type": "array", "items": {"type": "string"}, "uniqueItems": True}), "scopes: uniqueItems tightened"),
        (changed(claims={"type": "object", "additionalProperties": {"type": "string"}}), "claims: additionalProperties tightened"),
        (changed(claims={"type": "object", "minProperties": 1}), "claims: minProperties tightened, from none to 1"),
        (changed(place={"type": "object", "properties": {"partition": {"type": "integer", "minimum": 1}}, "required": ["partition"]}),
         "place.partition: minimum tightened, from 0 to 1"),
        (changed(place={"$ref": "#/$defs/Place", "not": {"required": ["instance"]}}), "place: not changed, from none to {'required': ['instance']}"),
    ],
)  # fmt: skip
def test_a_change_that_older_bytes_or_readers_do_not_survive_is_named(new: Schema, said: str):
    assert breaking(BASE, new) == [said]


@pytest.mark.parametrize(
    "new",
    [
        BASE,
        changed(added={"type": "string"}),
        changed(code={"type": "string", "enum": ["late", "expired", "too_old"]}),
        changed(code={"type": "string"}),
        changed(name={"type": "string", "maxLength": 9}),
        changed(name={"type": "string", "pattern": "^[a-z]+$", "maxLength": 8, "description": "a name", "title": "Name"}),
        changed(id={"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}),
        changed(scopes={}),
    ],
)
def test_what_leaves_older_bytes_readable_passes(new: Schema):
    assert breaking(BASE, new) == []


def test_true_is_not_one():
    assert breaking({"const": True}, {"const": 1}) != []


def test_what_stands_beside_alternatives_hides_nothing():
    assert breaking({"type": "string", "maxLength": 5}, {"maxLength": 2, "anyOf": [{"type": "string", "maxLength": 5}]}) != []


def test_a_model_that_holds_itself_is_compared_once():
    tree: Schema = {
        "$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "at": {"type": "integer"}}}}
    }  # fmt: skip
    other = copy.deepcopy(tree)
    other["$defs"]["Node"]["properties"]["at"] = {"type": "string"}

    assert breaking(tree, tree) == []
    assert breaking(tree, other) == ["at: type narrowed, from integer to string"]


@pytest.mark.parametrize("path", sorted({**of_topics(TOPICS), **of_registry()}))
def test_every_schema_of_ours_is_compatible_with_itself_and_not_with_a_closed_or_emptied_one(path: str):
    schema = {**of_topics(TOPICS), **of_registry()}[path]

    assert breaking(schema, schema) == []
    assert breaking(schema, {**schema, "properties": {}}) != []
    if schema.get("additionalProperties") is not False:
        assert breaking(schema, {**schema, "additionalProperties": False}) != []


LEAVES = st.one_of(
    st.fixed_dictionaries({"type": st.just("string")}, optional={"minLength": st.integers(0, 2), "maxLength": st.integers(2, 4)}),
    st.fixed_dictionaries({"type": st.just("integer")}, optional={"minimum": st.integers(-2, 2), "exclusiveMaximum": st.integers(2, 5)}),
    st.fixed_dictionaries({"type": st.sampled_from(["number", "boolean", "null"])}),
    st.fixed_dictionaries({"type": st.just("string"), "enum": st.lists(st.sampled_from(["a", "bb", "ccc"]), min_size=1, unique=True)}),
    st.fixed_dictionaries({"const": st.sampled_from([1, True, "a"])}),
    st.just({}),
)


def grown(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    names = st.sampled_from(["p", "q"])
    free = st.one_of(st.booleans(), inner)
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"uniqueItems": st.booleans(), "maxItems": st.integers(0, 2)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(names, inner)},
                              optional={"required": st.lists(names, unique=True), "additionalProperties": free}),
    )  # fmt: skip


SCHEMAS = st.recursive(LEAVES, grown, max_leaves=4)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 5), st.sampled_from([0.5, "", "a", "bb", "ccc", "dddd", "eeeee"]))
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["p", "q", "r"]), inner, max_size=3)), max_leaves=4
)


@st.composite
def altered(draw: st.DrawFn, schema: Schema) -> Schema:
    """Small changes, so that the two often have something to do with each other."""
    made = copy.deepcopy(schema)
    for _ in range(draw(st.integers(0, 2))):
        node = made
        while inner := [one for one in children(node) if one]:
            if draw(st.booleans()):
                break
            node = draw(st.sampled_from(inner))
        what = draw(st.sampled_from(["drop", "replace", "add"]))
        if what == "drop" and node:
            del node[draw(st.sampled_from(sorted(node)))]
        else:
            other = draw(SCHEMAS)
            if what == "replace":
                node.clear()
            node.update(copy.deepcopy(other))
    return made


def children(node: Schema) -> list[Schema]:
    found = [*node.get("properties", {}).values(), *node.get("anyOf", ()), node.get("items"), node.get("additionalProperties")]
    return [one for one in found if isinstance(one, dict)]


def undeclared(value: Any, schema: Any) -> bool:
    """Whether a member stands in it that its schema does not name but lets pass: what no writer of ours sends, and a later version may claim."""
    if isinstance(value, list):
        return any(undeclared(one, schema.get("items", {})) for one in value) if isinstance(schema, dict) else False
    if not isinstance(value, dict) or not isinstance(schema, dict):
        return False
    if "anyOf" in schema or "properties" not in schema:
        return bool(value)
    return any(name not in schema["properties"] or undeclared(one, schema["properties"][name]) for name, one in value.items())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_where_nothing_is_said_to_break_every_older_value_is_still_taken(data: st.DataObject):
    old = data.draw(SCHEMAS)
    new = data.draw(st.one_of(altered(old), SCHEMAS))
    value = data.draw(VALUES)
    older, newer = Draft202012Validator(old), Draft202012Validator(new)

    if not breaking(old, new) and older.is_valid(value) and not undeclared(value, old):
        assert newer.is_valid(value), (old, new)


@settings(max_examples=100, deadline=None)
@given(SCHEMAS)
def test_nothing_breaks_with_itself(schema: Schema):
    assert breaking(schema, schema) == []
