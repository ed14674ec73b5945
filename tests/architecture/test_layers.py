"""Who may import whom. Every rule is a function over one module, so that it can be shown what it refuses."""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.source import Module, called, calls, imports, modules, names, ours, parsed

LAYERS: Mapping[str, tuple[str, ...]] = {
    "counterfoil.contracts": ("counterfoil.contracts",),
    "counterfoil.wire": ("counterfoil.contracts", "counterfoil.wire"),
    "counterfoil.audit": ("counterfoil.wire", "counterfoil.audit"),
    "counterfoil.client": ("counterfoil.contracts", "counterfoil.wire", "counterfoil.client"),
    "counterfoil.cli": ("counterfoil",),
    "counterfoil.sync": ("counterfoil.client", "counterfoil.wire"),
    "counterfoil": ("counterfoil.client",),
    "counterfoil_server.domain": ("counterfoil.contracts", "counterfoil_server.domain"),
    "counterfoil_server.replay": ("counterfoil.contracts", "counterfoil.wire", "counterfoil_server"),
    "counterfoil_server.runtime": ("counterfoil.contracts", "counterfoil.wire", "counterfoil_server.runtime"),
    "services.witness": ("counterfoil.wire", "services.witness"),
    "services.dev": ("counterfoil", "counterfoil_server", "services"),
    "services.ops": ("counterfoil", "counterfoil_server", "services"),
    "deploy": ("counterfoil", "counterfoil_server", "services", "deploy"),
}
"""The first that fits. A service that is not named may import the libraries, and itself."""
CATALOG = "services.providers.catalog"
KAFKA = "counterfoil.wire.kafka"
KNOW_FASTSTREAM = ("counterfoil_server.runtime.bus", "counterfoil_server.runtime.service", "deploy.asyncapi")
READ_THE_ENVIRONMENT = ("services.dev", "services.ops", "counterfoil.cli", "counterfoil.client.client", "counterfoil.client.identity")
PURE = frozenset(
    {"collections", "dataclasses", "datetime", "enum", "functools", "itertools", "json", "math", "re", "typing", "uuid", "hashlib", "pydantic"}
)
"""Of what others made: no clock, no randomness, no I/O. pydantic is what facts are made of."""
IMPURE = frozenset({"now", "utcnow", "today", "fromtimestamp", "uuid1", "uuid4", "open", "print", "input", "exec", "eval"})


def layer(module: Module) -> tuple[str, ...]:
    for name, allowed in LAYERS.items():
        if module.within(name) and (name != "counterfoil" or module.name == "counterfoil"):
            return allowed
    own = ".".join(module.name.split(".")[:2])
    return ("counterfoil.contracts", "counterfoil.wire", "counterfoil_server", own) if module.within("services") else ()


def wrong_layer(module: Module) -> list[str]:
    allowed = layer(module)
    return [name for name in imports(module) if ours(name) and not any(name == one or name.startswith(f"{one}.") for one in allowed)]


def decides(module: Module) -> list[str]:
    """A provider imports no domain and no contracts, and none knows another."""
    if not module.within(CATALOG):
        return []
    refused = ("counterfoil_server.domain", "counterfoil.contracts", CATALOG)
    return [name for name in imports(module) if name != module.name and any(name == one or name.startswith(f"{one}.") for one in refused)]


def knows(package: str, may: Callable[[Module], bool]) -> Callable[[Module], list[str]]:
    return lambda module: [] if may(module) else [name for name in imports(module) if name.partition(".")[0] == package]


def bare_consumer(module: Module) -> list[str]:
    """`wire/kafka.py` lets the class be named; nobody else makes one, save the bench, whose floor is what costs nothing beside Kafka."""
    made = [called(call) for call in calls(module) if called(call) in ("AIOKafkaConsumer", "AIOKafkaProducer")]
    return [] if module.name.startswith(KAFKA) or module.within("services.dev.bench") else made


def reads_environment(module: Module) -> list[str]:
    if module.within(*READ_THE_ENVIRONMENT) or module.path.endswith("/app.py"):
        return []
    found = [node.attr for node in module.nodes if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")]
    named = [alias.name for node in module.nodes if isinstance(node, ast.ImportFrom) and node.module == "os" for alias in node.names]
    return found + [name for name in named if name in ("environ", "environb", "getenv")]


def impure(module: Module) -> list[str]:
    """domain: no clock, no randomness, no I/O, no async, no global."""
    if not module.within("counterfoil_server.domain"):
        return []
    kinds = (ast.Global, ast.Nonlocal, ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    found = [type(node).__name__ for node in module.nodes if isinstance(node, kinds)]
    found += [called(call) for call in calls(module) if called(call) in IMPURE]
    return found + [name for name in imports(module) if not ours(name) and name.partition(".")[0] not in PURE]


def more_than_pydantic(module: Module) -> list[str]:
    standard = sys.stdlib_module_names | {"pydantic"}
    if not module.within("counterfoil.contracts"):
        return []
    return [name for name in imports(module) if not ours(name) and name.partition(".")[0] not in standard]


RULES: Mapping[str, Callable[[Module], list[str]]] = {
    "layers": wrong_layer,
    "a provider decides nothing": decides,
    "aiokafka": knows("aiokafka", lambda module: module.name.startswith(KAFKA)),
    "consumers and producers": bare_consumer,
    "faststream": knows("faststream", lambda module: module.name in KNOW_FASTSTREAM),
    "environment": reads_environment,
    "domain": impure,
    "contracts": more_than_pydantic,
}


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps_the_rule(rule: str):
    assert [f"{module}: {wrong}" for module in modules() for wrong in RULES[rule](module)] == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        ("layers", "libs/counterfoil/contracts/a.py", "from counterfoil.wire import canonical"),
        ("layers", "libs/counterfoil/wire/a.py", "import counterfoil.client.client"),
        ("layers", "libs/counterfoil/client/a.py", "def f():\n    from counterfoil.cli.main import main"),
        ("layers", "libs/counterfoil/cli/a.py", "from counterfoil_server.runtime.settings import Settings"),
        ("layers", "libs/counterfoil/__init__.py", "from counterfoil.cli import main"),
        ("layers", "libs/counterfoil_server/domain/a.py", "from counterfoil_server.runtime import stage"),
        ("layers", "libs/counterfoil_server/domain/a.py", "from counterfoil.wire.canonical import digest"),
        ("layers", "libs/counterfoil_server/runtime/a.py", "from counterfoil_server.domain import grants"),
        ("layers", "libs/counterfoil_server/runtime/a.py", "from services.policy import rules"),
        ("layers", "services/policy/a.py", "from services.verifier.tokens import Tokens"),
        ("layers", "services/policy/a.py", "from counterfoil.client.client import Client"),
        ("layers", "services/dev/a.py", "from tests.support import facts"),
        ("layers", "services/policy/a.py", "import deploy.topology"),
        ("layers", "services/witness/a.py", "from counterfoil_server.runtime.settings import needed"),
        ("a provider decides nothing", "services/providers/catalog/a.py", "from counterfoil_server.domain import grants"),
        ("a provider decides nothing", "services/providers/catalog/a.py", "from counterfoil.contracts.base import Fact"),
        ("a provider decides nothing", "services/providers/catalog/a.py", "from services.providers.catalog import postgres"),
        ("aiokafka", "services/audit/a.py", "from aiokafka.errors import KafkaError"),
        ("consumers and producers", "services/audit/a.py", "from counterfoil.wire.kafka import AIOKafkaConsumer\nAIOKafkaConsumer()"),
        ("faststream", "services/policy/handlers.py", "from faststream.kafka import KafkaRouter"),
        ("environment", "services/policy/rules.py", "import os\nos.environ['A']"),
        ("environment", "services/policy/rules.py", "import os\nos.getenv('A')"),
        ("environment", "libs/counterfoil/client/a.py", "from os import environ"),
        ("domain", "libs/counterfoil_server/domain/a.py", "from datetime import datetime\ndef f():\n    return datetime.now()"),
        ("domain", "libs/counterfoil_server/domain/a.py", "from uuid import uuid4\nuuid4()"),
        ("domain", "libs/counterfoil_server/domain/a.py", "import random"),
        ("domain", "libs/counterfoil_server/domain/a.py", "import time"),
        ("domain", "libs/counterfoil_server/domain/a.py", "import cedarpy"),
        ("domain", "libs/counterfoil_server/domain/a.py", "async def f(): ..."),
        ("domain", "libs/counterfoil_server/domain/a.py", "def f():\n    global A\n    A = 1"),
        ("domain", "libs/counterfoil_server/domain/a.py", "open('a')"),
        ("domain", "libs/counterfoil_server/domain/a.py", "print('a')"),
        ("contracts", "libs/counterfoil/contracts/a.py", "import httpx"),
    ],
)
def test_the_rule_refuses(rule: str, path: str, text: str):
    assert RULES[rule](parsed(text, path)) != []


def test_no_module_imports_itself_around_a_circle():
    assert circle(modules()) is None


def test_a_circle_is_found():
    a, b = parsed("from services.policy import b", "services/policy/a.py"), parsed("import services.policy.a", "services/policy/b.py")

    assert circle([a, b]) is not None
    assert circle([a, parsed("def f():\n    import services.policy.a", "services/policy/b.py")]) is None


def circle(among: Sequence[Module]) -> list[str] | None:
    known = names() | {module.name for module in among}
    graph = {module.name: {name for name in imports(module, known, at_import=True) if ours(name)} for module in among}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None
