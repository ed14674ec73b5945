"""Logs say ids, codes and numbers beside a fixed text; what spans and metrics are called stands in one module."""

import ast
import logging
from collections.abc import Callable, Iterator, Mapping

import pytest

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.logs import FIELDS
from tests.architecture.source import Module, called, calls, modules, parsed

NAMES = "counterfoil_server.runtime.telemetry.names"
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})
LOGGERS = frozenset({"log", "logger", "logging", "LOG", "_log", "_logger"})
INSTRUMENTS = frozenset({"create_counter", "create_up_down_counter", "create_histogram", "create_gauge", "create_observable_gauge",
                         "create_observable_counter", "create_observable_up_down_counter"})  # fmt: skip
SCOPES = frozenset({"getLogger", "get_tracer", "get_meter"})


def log_calls(module: Module) -> Iterator[ast.Call]:
    """`log.info(...)`, and on whatever getLogger gave."""
    for call in calls(module):
        if isinstance(call.func, ast.Attribute) and call.func.attr in LEVELS:
            base = call.func.value
            name = base.id if isinstance(base, ast.Name) else base.attr if isinstance(base, ast.Attribute) else ""
            if name in LOGGERS or (isinstance(base, ast.Call) and called(base) == "getLogger"):
                yield call


def unlisted_fields(module: Module) -> list[str]:
    """`extra` is a plain dict with names of the allow-list: any other would be dropped, or be something that no log may hold."""
    found = []
    for call in log_calls(module):
        extra = next((word.value for word in call.keywords if word.arg == "extra"), None)
        if extra is None:
            continue
        if not isinstance(extra, ast.Dict):
            found.append(f"extra is no plain dict at line {call.lineno}")
            continue
        keys = ["**" if key is None else plain(key) for key in extra.keys]
        found += [f"{key} at line {call.lineno}" for key in keys if key not in FIELDS]
    return found


def built_messages(module: Module) -> list[str]:
    """A message is one fixed text: what is put together may hold anything."""
    found = []
    for call in log_calls(module):
        texts = call.args[1:] if called(call) == "log" else call.args
        if len(texts) != 1 or not (isinstance(texts[0], ast.Constant) and isinstance(texts[0].value, str)):
            found.append(f"line {call.lineno}")
    return found


def spelled_elsewhere(module: Module) -> list[str]:
    if module.name == NAMES:
        return []
    named = [node.value for node in module.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    scopes = {argument for call in calls(module) if called(call) in SCOPES for argument in texts(call.args[:1])}
    ours = [text for text in named if text.startswith("counterfoil.") and telemetry(module) and text not in scopes]
    found = [text for text in named if text.startswith("messaging.")] + ours + attributes(module)
    # The published package cannot import what the servers do, so it spells a name again: the same one.
    return [text for text in found if not (module.within("counterfoil") and text in known_names())]


def known_names() -> frozenset[str]:
    return frozenset(value for name, value in vars(names).items() if name.isupper() and isinstance(value, str))


def telemetry(module: Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and (node.module or "").startswith("opentelemetry") for node in module.nodes)


def attributes(module: Module) -> list[str]:
    """Names given as plain text where OpenTelemetry takes one."""
    found: list[str] = []
    for call in calls(module):
        if called(call) in INSTRUMENTS | {"set_attribute"}:
            found += texts(call.args[:1])
        for word in call.keywords:
            if word.arg == "attributes" and isinstance(word.value, ast.Dict):
                found += texts([key for key in word.value.keys if key is not None])
    return found


def texts(nodes: list[ast.expr]) -> list[str]:
    return [plain(node) for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr)]


def plain(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)


def counted(module: Module) -> list[str]:
    """Telemetry belongs to the bus: no log and no metric between the lines of a rule."""
    return [f"line {call.lineno}" for call in log_calls(module)] if module.within("counterfoil_server.domain", "counterfoil.contracts") else []


RULES: Mapping[str, Callable[[Module], list[str]]] = {
    "fields": unlisted_fields, "messages": built_messages, "names": spelled_elsewhere, "rules": counted,
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps_the_rule(rule: str):
    assert [f"{module}: {wrong}" for module in modules() for wrong in RULES[rule](module)] == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("fields", 'log.info("a", extra={"token": 1})'),
        ("fields", 'log.info("a", extra=found)'),
        ("fields", 'log.info("a", extra={**found})'),
        ("fields", 'self._log.warning("a", extra={"sub": 1})'),
        ("fields", 'logging.getLogger("a").error("a", extra={"claims": 1})'),
        ("messages", 'log.info(f"minted {secret}")'),
        ("messages", 'log.info("minted %s", secret)'),
        ("messages", 'log.info("minted " + secret)'),
        ("messages", "log.exception(error)"),
        ("messages", 'log.log(logging.INFO, f"{secret}")'),
        ("names", 'x = "messaging.system"'),
        ("names", 'from opentelemetry import trace\nX = "counterfoil.kind"'),
        ("names", 'span.set_attribute("error.type", 1)'),
        ("names", 'meter.create_counter("facts")'),
        ("names", 'tracer.start_span(name, attributes={"kind": 1})'),
    ],
)
def test_the_rule_refuses(rule: str, text: str):
    assert RULES[rule](parsed(text)) != []


def test_a_rule_that_logs_is_refused():
    assert counted(parsed('log.info("a")', "libs/counterfoil_server/domain/grants.py")) != []


def test_the_published_package_spells_the_servers_names_and_no_others():
    path = "libs/counterfoil/client/trace.py"

    assert spelled_elsewhere(parsed(f'span.set_attribute("{names.CONNECTOR}", 1)', path)) == []
    assert spelled_elsewhere(parsed('span.set_attribute("counterfoil.connektor", 1)', path)) != []


def test_no_field_of_the_allow_list_is_one_of_a_log_record_itself():
    """logging refuses to overwrite them, so such an `extra` would raise where something is to be reported."""
    assert FIELDS.isdisjoint(vars(logging.makeLogRecord({})).keys() | {"message", "asctime"})


def test_the_names_of_loggers_and_tracers_are_no_attributes():
    assert (
        spelled_elsewhere(parsed('from opentelemetry import trace\ntrace.get_tracer("counterfoil.bus")\nlogging.getLogger("counterfoil.bus")')) == []
    )
