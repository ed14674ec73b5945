"""How small is small, what a file may be called, and that it says what it is."""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.architecture.source import Module, modules, parsed

FILE, FUNCTION = 200, 40
FORBIDDEN = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "managers", "impl", "misc", "base"})
ITS_BASE = "libs/counterfoil/contracts/base.py"


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in module.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def long_file(module: Module) -> list[str]:
    lines = len(module.text.splitlines())
    return [f"{lines} lines, of {FILE}"] if lines > FILE else []


def long_function(module: Module) -> list[str]:
    sizes = {f"{one.name}:{one.lineno}": (one.end_lineno or one.lineno) - one.lineno + 1 for one in functions(module)}
    return [f"{name} has {lines} lines, of {FUNCTION}" for name, lines in sizes.items() if lines > FUNCTION]


def empty_package(module: Module) -> list[str]:
    return ["an empty __init__.py"] if module.path.endswith("/__init__.py") and len(module.tree.body) < 2 else []  # its docstring alone is nothing


def forbidden_name(module: Module) -> list[str]:
    parts = set(Path(module.path).with_suffix("").parts)
    return [] if module.path == ITS_BASE else sorted(parts & FORBIDDEN)


def silent(module: Module) -> list[str]:
    """The first line says what the module is: a docstring, with text on its first line."""
    said = ast.get_docstring(module.tree)
    first = module.text.split("\n", 1)[0]
    return [] if said and first.startswith('"""') and first.strip('" ') else ["no docstring on the first line"]


RULES: Mapping[str, Callable[[Module], list[str]]] = {"file": long_file, "function": long_function}
EVERYWHERE: Mapping[str, Callable[[Module], list[str]]] = {"package": empty_package, "name": forbidden_name, "docstring": silent}


@pytest.mark.parametrize("rule", RULES)
def test_code_is_small(rule: str):
    assert [f"{module}: {wrong}" for module in modules() for wrong in RULES[rule](module)] == []


@pytest.mark.parametrize("rule", EVERYWHERE)
def test_code_and_tests_say_what_they_are(rule: str):
    assert [f"{module}: {wrong}" for module in (*modules(), *modules("tests")) for wrong in EVERYWHERE[rule](module)] == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        ("file", "services/policy/a.py", "\n" * 201),
        ("function", "services/policy/a.py", "def f():\n" + "    x = 1\n" * 40),
        ("function", "services/policy/a.py", "class A:\n    async def f(self):\n" + "        x = 1\n" * 40),
        ("package", "services/policy/__init__.py", ""),
        ("package", "services/policy/__init__.py", '"""The policy service."""'),
        ("name", "services/policy/utils.py", ""),
        ("name", "services/common/a.py", ""),
        ("name", "services/policy/base.py", ""),
        ("docstring", "services/policy/a.py", "import os"),
        ("docstring", "services/policy/a.py", '# A comment.\n"""What it is."""'),
        ("docstring", "services/policy/a.py", '"""\nWhat it is.\n"""'),
    ],
)
def test_the_rule_refuses(rule: str, path: str, text: str):
    assert {**RULES, **EVERYWHERE}[rule](parsed(text, path)) != []


def test_what_is_just_small_enough_passes():
    module = parsed('"""A."""\n' + "def f():\n" + "    x = 1\n" * 39 + "\n" * 159)

    assert long_file(module) == long_function(module) == silent(module) == []
