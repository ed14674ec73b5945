"""Which topics a piece of code hands to the bus: read from its syntax, so that the map is held against what the code does and not against a list."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from counterfoil.contracts import TOPICS

READERS = frozenset({"Listener"})
WRITERS = frozenset({"Out", "answer", "Record"})
WIRE = Path(__file__).parents[1] / "libs" / "counterfoil" / "wire"
NAMES = {topic.name.replace(".", "_"): topic.name for topic in TOPICS}
"""`exchange_minted` is the module of exchange.minted."""


@dataclass
class Handed:
    heard: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)


def handed(paths: Iterable[Path], askers: Mapping[str, frozenset[str]] | None = None) -> Handed:
    """`askers`: functions of the wire that make a record themselves, with the topics they write."""
    found, known = Handed(), asking() if askers is None else askers
    for path in paths:
        tree = ast.parse(path.read_text())
        names = constants(tree)
        for call in calls(tree):
            name = called(call)
            if name in READERS:
                found.heard |= topics(call, names)
            elif name in WRITERS:
                found.said |= topics(call, names)
            elif name in known and imports_wire(tree, name):
                found.said |= known[name]
    return found


@cache
def asking() -> Mapping[str, frozenset[str]]:
    """Every function of the wire that hands a topic of its own to a Record."""
    found: dict[str, frozenset[str]] = {}
    for path in sorted(WIRE.glob("*.py")):
        tree = ast.parse(path.read_text())
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            names = {**constants(tree), **constants(function)}
            if said := {topic for call in calls(function) if called(call) in WRITERS for topic in topics(call, names)}:
                found[function.name] = frozenset(said)
    return found


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """The last part of what is called: `asking.ask` and `ask` are both `ask`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def constants(tree: ast.AST) -> Mapping[str, frozenset[str]]:
    """Names that stand for topics: `TOPIC = exchange_minted.TOPIC`."""
    found: dict[str, frozenset[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (said := topics(node.value, found)):
            found |= {target.id: frozenset(said) for target in node.targets if isinstance(target, ast.Name)}
    return found


def topics(node: ast.AST, names: Mapping[str, frozenset[str]]) -> set[str]:
    """Every topic named within an expression, by its module or by a name that stands for it."""
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and one.attr == "TOPIC" and isinstance(one.value, ast.Name) and one.value.id in NAMES:
            found.add(NAMES[one.value.id])
        elif isinstance(one, ast.Name) and one.id in names:
            found |= names[one.id]
    return found


def imports_wire(tree: ast.AST, name: str) -> bool:
    """Whether this file has the function, or its module, from the wire."""
    return any(isinstance(node, ast.ImportFrom) and from_wire(node, name) for node in ast.walk(tree))


def from_wire(node: ast.ImportFrom, name: str) -> bool:
    module = node.module or ""
    return module.startswith("counterfoil.wire") and any(alias.name == name or module == "counterfoil.wire" for alias in node.names)
