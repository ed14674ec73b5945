"""The pictures of docs/explanation/traces.md, read; and the spans that were exported, in the same shape."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.otlp import Span

PAGE = Path("docs/explanation/traces.md")
LINE = re.compile(r"(?P<deep>[ │├└]*)(?P<name>\S+(?: \S+)?) +(?P<kind>SERVER|CLIENT|INTERNAL|PRODUCER|CONSUMER) +(?P<service>\S+)(?P<more>.*)")
KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}


@dataclass
class Node:
    """`attributes`: in a picture those that it names, of a span all."""

    name: str
    kind: str
    service: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    below: list["Node"] = field(default_factory=list)
    span: Span | None = None

    def walk(self) -> Iterator["Node"]:
        yield self
        for one in self.below:
            yield from one.walk()

    def shape(self) -> tuple[object, ...]:
        """Siblings in any order."""
        return self.name, self.kind, self.service, tuple(sorted((one.shape() for one in self.below), key=repr))


def pictures(heading: str, page: Path = PAGE) -> list[Node]:
    """Of the code blocks under this heading."""
    section = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [read(block) for block in section.split("```")[1::2]]


def read(block: str) -> Node:
    """A child stands two characters further to the right."""
    open_: list[Node] = []
    for line in block.strip("\n").splitlines():
        found = LINE.fullmatch(line)
        assert found, f"no line of a picture: {line!r}"
        words = dict(word.split("=", 1) for word in found["more"].split())
        node, deep = Node(found["name"], found["kind"], found["service"], words), len(found["deep"]) // 2
        assert deep <= len(open_), f"no parent stands above {line!r}"
        del open_[deep:]
        if open_:
            open_[-1].below.append(node)
        open_.append(node)
    return open_[0]


def grown(spans: Sequence[Span], host: str) -> list[Node]:
    """The roots of what was exported, `host` being called api.example.com: whoever has no parent among them is one."""
    nodes = {one.span_id: Node(one.name.replace(host, "api.example.com"), KINDS[one.kind], one.service, told(one), span=one) for one in spans}
    for one in spans:
        if one.parent_id in nodes:
            nodes[one.parent_id].below.append(nodes[one.span_id])
    return [nodes[one.span_id] for one in spans if one.parent_id not in nodes]


def told(span: Span) -> dict[str, str]:
    return {name.removeprefix("counterfoil."): str(value) for name, value in span.attributes.items()}


def differs(drawn: Node, real: Node) -> list[str]:
    """What the picture says of a span and the span does not: of those that look alike, the one that fits best counts."""
    wrong = [f"{drawn.name} of {drawn.service}: {name} is {real.attributes.get(name)}, not {value}" for name, value in drawn.attributes.items()
             if real.attributes.get(name) != value]  # fmt: skip
    for one in drawn.below:
        alike = [other for other in real.below if other.shape() == one.shape()]
        fits = sorted((differs(one, other) for other in alike), key=len)
        wrong += fits[0] if fits else [f"{one.name} is missing"]
    return wrong
