"""Each service imports only what its own group of pyproject.toml locks; the published package only what it declares."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import distribution, packages_distributions

import pytest

from tests.architecture.source import ROOT, Module, imports, modules, ours, parsed

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICES = ("gateway", "verifier", "policy", "providers", "audit", "revoker", "console", "witness", "ops", "dev")
APART = {"browser": "tests.browser", "mcp": "tests.counterparts"}
GROUPS: Mapping[str, str] = {**{name: f"services.{name}" for name in SERVICES}, "test": "tests", **APART}
BUILT_FROM = {"test": ("tests", "deploy")}
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def everything() -> Mapping[str, Module]:
    return {module.name: module for module in (*modules(), *modules("tests"))}


def reachable(start: Iterable[Module], known: Mapping[str, Module]) -> Sequence[Module]:
    """Whatever is imported from there, by functions too: a lazy import is still one. A provider is found by its folder, so all of it counts."""
    found: dict[str, Module] = {}
    waiting = list(start)
    while waiting:
        module = waiting.pop()
        if module.name not in found:
            found[module.name] = module
            waiting += [known[name] for name in imports(module, frozenset(known)) if name in known]
    return list(found.values())


def distributions(module: Module) -> set[str]:
    """The packages whose modules it imports. One that belongs to nobody goes by its own name, and so is refused."""
    return {owner(name) for name in outside(module)}


def outside(module: Module) -> set[str]:
    """What it imports of others: `from a import b` is `a.b`, whatever b is."""
    found = {alias.name for node in module.nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {f"{node.module}.{alias.name}" for node in module.nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return {name for name in found if not ours(name) and name.partition(".")[0] not in sys.stdlib_module_names}


@cache
def owner(name: str) -> str:
    """Several packages may share a namespace (opentelemetry): the one that has most of the name."""
    candidates = sorted(set(providers().get(name.partition(".")[0], ())))
    parts = name.split(".")
    lengths = {one: max(length for length in range(len(parts) + 1) if ".".join(parts[:length]) in contents(one)) for one in candidates}
    return normal(max(lengths, key=lambda one: lengths[one])) if lengths else name.partition(".")[0]


@cache
def contents(package: str) -> frozenset[str]:
    """Every module of a package, and every folder above it."""
    found = {""}
    for path in distribution(package).files or ():
        parts = path.parts[:-1] if path.stem == "__init__" else (*path.parts[:-1], path.name.partition(".")[0])
        found |= {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return frozenset(found)


@cache
def providers() -> Mapping[str, Sequence[str]]:
    return packages_distributions()


def locked(group: str) -> set[str]:
    text = (ROOT / "requirements" / f"{group}.txt").read_text()
    return {normal(hit[0]) for line in text.splitlines() if not line.startswith((" ", "#")) and (hit := NAME.match(line))}


def missing(start: Iterable[Module], allowed: set[str], known: Mapping[str, Module]) -> list[str]:
    return sorted(f"{module}: {one}" for module in reachable(start, known) for one in distributions(module) - allowed)


@pytest.mark.parametrize("group", GROUPS)
def test_a_service_needs_no_more_than_its_group(group: str):
    known = everything()
    start = [module for module in known.values() if module.within(*BUILT_FROM.get(group, (GROUPS[group],)))]
    if group == "test":  # what drives a browser is installed beside the rest, by make test-browser; what runs an MCP server, apart
        start = [module for module in start if not module.within(*APART.values())]

    assert start
    assert missing(start, locked(group), known) == []


def declared(*extras: str) -> set[str]:
    lists = [PROJECT["project"]["dependencies"], *(PROJECT["project"]["optional-dependencies"][extra] for extra in extras)]
    return {normal(NAME.match(one)[0]) for found in lists for one in found}  # type: ignore[index] # each has a name


def test_the_published_package_needs_no_more_than_it_declares():
    known = everything()
    alone = [module for module in known.values() if module.within("counterfoil.contracts")]
    client = [module for module in known.values() if module.within("counterfoil.wire", "counterfoil.client")]
    whole = [module for module in known.values() if module.within("counterfoil")]

    assert missing(alone, {"pydantic"}, known) == []
    assert missing(client, declared("kafka") | TRACED | LOGGED_IN, known) == []
    assert missing(whole, declared("kafka", "cli") | TRACED, known) == []


TRACED = {"opentelemetry-api"}
"""Only where the app has imported it already: `client/trace.py`."""

LOGGED_IN = {"keyring"}
"""Only where `counterfoil login`, which brings it, has left a token in it: `client/ambient/login_store.py`."""

TOOLS = {"counterparts", "deployment"}
"""Groups from which nothing of ours is built: what tests start beside us."""


def test_every_group_is_locked_and_every_lock_a_group():
    groups = set(PROJECT["dependency-groups"]) - {"bus"}

    assert groups == {path.stem for path in (ROOT / "requirements").glob("*.txt")} == set(GROUPS) | TOOLS


def test_packages_that_share_a_namespace_are_told_apart():
    assert owner("opentelemetry.trace") == "opentelemetry-api"
    assert owner("opentelemetry.sdk.trace.TracerProvider") == "opentelemetry-sdk"
    assert owner("nobodys_package.part") == "nobodys_package"


@pytest.mark.parametrize("text", ["import cedarpy", "def f():\n    import jwt", "import nobodys_package"])
def test_what_is_not_in_the_group_is_missed(text: str):
    module = parsed(text, "services/audit/a.py")

    assert missing([module], locked("audit"), {}) != []


def test_what_is_imported_around_a_corner_is_missed_too():
    near, far = parsed("from services.audit import far", "services/audit/near.py"), parsed("import jwt", "services/audit/far.py")

    assert missing([near], locked("audit"), {near.name: near, far.name: far}) == ["services/audit/far.py: pyjwt"]
