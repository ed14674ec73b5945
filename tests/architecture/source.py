"""The source tree as a test sees it: modules, their syntax, and whom they import."""

import ast
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("counterfoil", "counterfoil_server", "services", "deploy", "tests")


@dataclass(frozen=True)
class Module:
    """`name` is the import path: `services.policy.handlers`; of a package, its folder's."""

    path: str
    name: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        return tuple(ast.walk(self.tree))

    def __str__(self) -> str:
        return self.path

    def within(self, *packages: str) -> bool:
        return any(self.name == package or self.name.startswith(f"{package}.") for package in packages)


def parsed(text: str, path: str = "services/policy/example.py") -> Module:
    """A module that is nowhere: what a rule must refuse."""
    name = path.removeprefix("libs/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Module(path, name, text, ast.parse(text))


@cache
def modules(*folders: str) -> Sequence[Module]:
    """Of libs, services and deploy where no folder is named."""
    found = sorted(path for folder in folders or ("libs", "services", "deploy") for path in (ROOT / folder).rglob("*.py"))
    return tuple(parsed(path.read_text(), path.relative_to(ROOT).as_posix()) for path in found)


@cache
def names() -> frozenset[str]:
    return frozenset(module.name for module in (*modules(), *modules("tests")))


def imports(module: Module, known: frozenset[str] | None = None, *, at_import: bool = False) -> set[str]:
    """Full names: `from a import b` is `a.b` where that is a module. `at_import`: only what runs when the module is imported."""
    found: set[str] = set()
    for node in when_imported(module.tree) if at_import else module.nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in (names() if known is None else known) else str(node.module))
    return found


def when_imported(node: ast.AST) -> Iterator[ast.AST]:
    """All but the bodies of functions, and what only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        yield child
        yield from when_imported(child)


def ours(name: str) -> bool:
    return name.partition(".")[0] in OURS


def calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in module.nodes if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """The last part of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def tracked() -> Sequence[str]:
    """Every file that git has, or would have. From an archive, whatever is no one's cache."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if not any(part.startswith(".") or part == "__pycache__" for part in path.parts))
    arguments = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted({path for path in listed.split("\0") if path and (ROOT / path).is_file()})
