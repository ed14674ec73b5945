"""What loses records when it is done by hand: subscribing, committing and acknowledging are `runtime/bus.py`'s and the wire's alone."""

import ast
from collections.abc import Callable, Mapping

import pytest

from tests.architecture.source import Module, called, calls, modules, parsed

BUS = "counterfoil_server.runtime.bus"


def bare_subscriber(module: Module) -> list[str]:
    found = [f"{called(call)}( at line {call.lineno}" for call in calls(module) if called(call) in ("subscriber", "publisher")]
    return [] if module.name == BUS else found


def commits_by_itself(module: Module) -> list[str]:
    """Offsets handed out are not offsets done."""
    return [f"{word.arg} at line {word.value.lineno}" for call in calls(module) for word in call.keywords if word.arg in AUTO and truth(word.value)]


AUTO = frozenset({"enable_auto_commit", "auto_commit"})


def truth(node: ast.expr) -> bool:
    """Anything but a plain False."""
    return not (isinstance(node, ast.Constant) and node.value is False)


def other_ack_policy(module: Module) -> list[str]:
    words = [word for call in calls(module) for word in call.keywords if word.arg == "ack_policy"]
    policies = [node for node in module.nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "AckPolicy"]
    found = [ast.unparse(word.value) for word in words if ast.unparse(word.value) != "AckPolicy.MANUAL"]
    return found + [ast.unparse(node) for node in policies if node.attr != "MANUAL"]


def forgotten_ack_policy(module: Module) -> list[str]:
    """The default acknowledges before the work is done."""
    made = [call for call in calls(module) if called(call) == "subscriber"]
    return [f"subscriber( at line {call.lineno}" for call in made if not any(word.arg == "ack_policy" for word in call.keywords)]


def commit_of_everything(module: Module) -> list[str]:
    """commit() without offsets commits every position that was handed out, done or not."""
    found = [call for call in calls(module) if called(call) == "commit" and not call.args and not call.keywords]
    return [f"commit() at line {call.lineno}" for call in found]


RULES: Mapping[str, Callable[[Module], list[str]]] = {
    "subscriber": bare_subscriber,
    "auto commit": commits_by_itself,
    "ack policy": other_ack_policy,
    "no ack policy": forgotten_ack_policy,
    "commit": commit_of_everything,
}


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps_the_rule(rule: str):
    assert [f"{module}: {wrong}" for module in modules() for wrong in RULES[rule](module)] == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("subscriber", "@router.subscriber('a')\nasync def f(): ..."),
        ("subscriber", "broker.publisher('a')"),
        ("auto commit", "AIOKafkaConsumer(enable_auto_commit=True)"),
        ("auto commit", "AIOKafkaConsumer(enable_auto_commit=settings.auto)"),
        ("ack policy", "router.subscriber('a', ack_policy=AckPolicy.ACK)"),
        ("ack policy", "policy = AckPolicy.ACK_FIRST"),
        ("ack policy", "router.subscriber('a', ack_policy=policy)"),
        ("no ack policy", "made.subscriber('a', batch=True)"),
        ("commit", "await consumer.commit()"),
    ],
)
def test_the_rule_refuses(rule: str, text: str):
    assert RULES[rule](parsed(text)) != []
