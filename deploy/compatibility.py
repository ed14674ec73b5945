"""What a change of a JSON Schema breaks: bytes that the older one took and the newer refuses, and members that older readers rely on.

A new optional member breaks nothing. A new code in an enumeration is let pass too: readers are brought up to date before writers.
Whatever is not understood here counts as breaking, once it differs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
SAYS_NOTHING = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples", "deprecated", "discriminator"})
LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
STRUCTURE = frozenset({"type", "enum", "const", "properties", "required", "additionalProperties", "items", "pattern", "uniqueItems"})
ROOT = "(all of it)"


def breaking(old: Schema, new: Schema) -> list[str]:
    """Each break in a line of its own, by the member's path. Empty: readers and writers of both may be mixed."""
    return list(_Compared(old, new).node(old, new, "", frozenset()))


@dataclass(frozen=True)
class _Compared:
    """The two documents, against which their references are resolved."""

    old: Schema
    new: Schema

    def node(self, old: Any, new: Any, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
        pair = (_reference(old), _reference(new))
        if pair in seen:
            return  # a model that holds itself: compared already, further up
        seen = seen | {pair} if any(pair) else seen
        before, after = _branches(_resolved(old, self.old)), _branches(_resolved(new, self.new))
        if len(before) == len(after) == 1:
            yield from self.branch(before[0], after[0], at, seen)
            return
        for one in before:
            tried = [(other, list(self.branch(one, other, at, seen))) for other in after]
            if all(breaks for _, breaks in tried):
                alike = [breaks for other, breaks in tried if _types_of(_resolved(other, self.new)) == _types_of(_resolved(one, self.old))]
                yield from alike[0] if len(alike) == 1 else [f"{at or ROOT}: type narrowed, {_named(one)} is refused"]

    def branch(self, old: Any, new: Any, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
        """One alternative against one. `True` takes everything, `False` nothing."""
        old, new = _resolved(old, self.old), _resolved(new, self.new)
        if new is True or old is False:
            return
        if new is False:
            yield f"{at or ROOT}: nothing is taken any more"
            return
        old = {} if old is True else old
        if "anyOf" in new or "oneOf" in new or "anyOf" in old or "oneOf" in old:
            yield from self.node(old, new, at, seen)
            return
        for rule in (_types, _values, _bounds, _others):
            yield from rule(old, new, at or ROOT)
        yield from self.members(old, new, at, seen)
        if "items" in new:
            yield from self.node(old.get("items", True), new["items"], f"{at}[]", seen)

    def members(self, old: Schema, new: Schema, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
        had, has = old.get("properties", {}), new.get("properties", {})
        must, musts = set(old.get("required", ())), set(new.get("required", ()))
        for name in had:
            path = f"{at}.{name}".lstrip(".")
            if name not in has:
                yield f"{path}: property removed or renamed"
                continue
            yield from self.node(had[name], has[name], path, seen)
        for name in sorted(musts - must):
            yield f"{at}.{name}: property became required".lstrip(".")
        for name in sorted((must - musts) & set(has)):
            yield f"{at}.{name}: property is no longer required, and older readers rely on it".lstrip(".")
        yield from self.unnamed(old, new, at, seen)

    def unnamed(self, old: Schema, new: Schema, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
        """Members that have no name of their own: what was free may not be closed, nor get a shape where it had none."""
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if any(self.node(before, after, at, seen)):
            yield f"{at or ROOT}: additionalProperties tightened"
        for name in sorted(set(new.get("properties", {})) - set(old.get("properties", {}))):
            if before not in (True, False) and any(self.node(before, new["properties"][name], at, seen)):
                yield f"{at}.{name}: was any member, and now has a shape of its own".lstrip(".")


def _reference(node: Any) -> str:
    return str(node.get("$ref", "")) if isinstance(node, Mapping) else ""


def _resolved(node: Any, document: Schema) -> Any:
    """`$ref` into `$defs`, with what stands beside it."""
    while isinstance(node, Mapping) and "$ref" in node:
        target = document["$defs"][node["$ref"].removeprefix("#/$defs/")]
        node = _both({name: value for name, value in node.items() if name not in SAYS_NOTHING | {"$ref"}}, target)
    return node


def _branches(node: Any) -> Sequence[Any]:
    if not isinstance(node, Mapping) or not ("anyOf" in node or "oneOf" in node):
        return (node,)
    beside = {name: value for name, value in node.items() if name not in SAYS_NOTHING | {"anyOf", "oneOf"}}
    return [_both(beside, one) for one in (*node.get("anyOf", ()), *node.get("oneOf", ()))]


def _both(beside: Schema, one: Any) -> Any:
    """Where both say something of the same, neither may hide the other: then it is one lump, of which only equality is understood."""
    if not isinstance(one, Mapping) or not beside:
        return one
    return {**beside, **one} if beside.keys().isdisjoint(one) else {**one, "allOf": [beside]}


def _named(node: Any) -> str:
    return str(node.get("type") or node.get("const") or node.get("title") or "an alternative") if isinstance(node, Mapping) else "an alternative"


def _types_of(node: Any) -> frozenset[str]:
    found = node.get("type", ()) if isinstance(node, Mapping) else ()
    return frozenset([found] if isinstance(found, str) else found)


def _types(old: Schema, new: Schema, at: str) -> Iterator[str]:
    had, has = _types_of(old), _types_of(new)
    wide = has | ({"integer"} if "number" in has else set())
    if has and (not had or not had <= wide):
        yield f"{at}: type narrowed, from {' or '.join(sorted(had)) or 'anything'} to {' or '.join(sorted(has))}"


def _allowed(node: Schema) -> list[Any] | None:
    return [node["const"]] if "const" in node else node.get("enum")


def _values(old: Schema, new: Schema, at: str) -> Iterator[str]:
    had, has = _allowed(old), _allowed(new)
    if has is None:
        return
    if had is None:
        yield f"{at}: type narrowed, only {has} is taken"
    elif gone := [value for value in had if not any(_same(value, other) for other in has)]:
        yield f"{at}: enum value removed: {', '.join(map(str, gone))}"


def _same(one: Any, other: Any) -> bool:
    return bool(type(one) is type(other) and one == other)  # in JSON, true is not 1


def _bounds(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for name in sorted(LOWER | UPPER):
        if name in new and (name not in old or (old[name] < new[name] if name in LOWER else old[name] > new[name])):
            yield f"{at}: {name} tightened, from {old.get(name, 'none')} to {new[name]}"
    if new.get("uniqueItems") and not old.get("uniqueItems"):
        yield f"{at}: uniqueItems tightened"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{at}: pattern tightened, from {old.get('pattern', 'none')} to {new['pattern']}"


def _others(old: Schema, new: Schema, at: str) -> Iterator[str]:
    """`format`, and whatever else says what is taken: gone is wider, new or different may be narrower."""
    for name in sorted(new.keys() - SAYS_NOTHING - LOWER - UPPER - STRUCTURE):
        if new[name] != old.get(name):
            yield f"{at}: {name} changed, from {old.get(name, 'none')} to {new[name]}"
