"""Who really reads and writes which topic. Stages are asked; what goes past them (gateway, clients, loops) is read from the code that does it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from counterfoil.contracts import TOPICS
from counterfoil_server.runtime.stage import Stage
from deploy.handed import Handed, handed

ROOT = Path(__file__).parents[1]
COMPOSERS = frozenset({"dev", "ops", "console", "witness"})
"""Folders of `services` that are no stage: they start, inspect, show or witness the others."""
CLIENT = ("libs/counterfoil/client", "libs/counterfoil/cli")
HANDLERS = ("handlers.py", "*_handlers.py")


@dataclass(frozen=True)
class Traffic:
    """Of one role: what it reads in groups and what beside them, and what it writes. Names are those of TOPICS, without version."""

    role: str
    stages: Sequence[Stage] = ()
    heard: frozenset[str] = frozenset()
    """Read without a group, by a Listener."""
    said: frozenset[str] = frozenset()
    """Handed to Out, answer, Record, or to a function that makes such a record."""

    @property
    def reads(self) -> frozenset[str]:
        return self.heard | {topic.name for stage in self.stages for topic in stage.reads}

    @property
    def declared(self) -> frozenset[str]:
        return frozenset(topic.name for stage in self.stages for topic in stage.writes)

    @property
    def writes(self) -> frozenset[str]:
        return self.said | self.declared


def everyone(root: Path = ROOT) -> Mapping[str, Traffic]:
    """By role. A role is a process: `handlers.py` is its folder's own, `<role>_handlers.py` one of several."""
    found: dict[str, Traffic] = {}
    for folder in sorted(path.parent for path in root.glob("services/*/app.py") if path.parent.name not in COMPOSERS):
        modules = {role_of(path): path for pattern in HANDLERS for path in folder.glob(pattern)}
        others = [path for path in sorted(folder.rglob("*.py")) if path not in modules.values()]
        if not modules:
            found[folder.name] = traffic(folder.name, (), handed(others))
        for role, path in sorted(modules.items()):
            alone = others if len(modules) == 1 else []
            found[role] = traffic(role, stages(path, root), handed([path, *alone]))
    found["client"] = traffic("client", (), handed(sorted(path for folder in CLIENT for path in (root / folder).rglob("*.py"))))
    return found


def traffic(role: str, made: Sequence[Stage], seen: Handed) -> Traffic:
    return Traffic(role, made, frozenset(seen.heard), frozenset(seen.said))


def role_of(path: Path) -> str:
    return path.parent.name if path.name == "handlers.py" else path.stem.removesuffix("_handlers")


def stages(path: Path, root: Path = ROOT) -> Sequence[Stage]:
    """The real ones. Building them touches no collaborator, so any object stands in for each."""
    module = import_module(".".join(path.relative_to(root).with_suffix("").parts))
    routes: Callable[..., Sequence[Stage]] = module.routes
    return routes(*(StandIn() for _ in inspect.signature(routes).parameters))


class StandIn:
    """A collaborator that nobody calls. Whatever is looked up in it is another one."""

    def __getattr__(self, name: str) -> Any:
        return StandIn()


def map_of(found: Mapping[str, Traffic]) -> Mapping[str, tuple[frozenset[str], frozenset[str]]]:
    """By topic: who writes it, who reads it."""
    return {topic.name: (_roles(found, topic.name, "writes"), _roles(found, topic.name, "reads")) for topic in TOPICS}


def _roles(found: Mapping[str, Traffic], topic: str, way: str) -> frozenset[str]:
    return frozenset(role for role, one in found.items() if topic in getattr(one, way))
