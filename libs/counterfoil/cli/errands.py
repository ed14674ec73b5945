"""What `run` was asked to do: a command, and what to lend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import typer

from counterfoil.cli import sugar
from counterfoil.cli.variables import Place
from counterfoil.cli.wishes import Wanted, wanted

AWS = "aws"


@dataclass(frozen=True, slots=True)
class Errand:
    command: Sequence[str]
    wishes: Mapping[Place, Wanted]
    refresh: Literal["restart", "endpoint"] | None
    masked: bool

    def __post_init__(self) -> None:
        place = next(iter(self.wishes))
        if self.refresh == "endpoint" and (len(self.wishes) > 1 or place.variable or not place.connector.startswith(f"{AWS}/")):
            raise typer.BadParameter(f"endpoint is for one connector, {AWS}/..., and for no variable of your own", param_hint="--refresh")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, as they were given: for all connectors, or for the one that stands before them."""

    scope: Sequence[str]
    detail: Sequence[str]
    lifetime: str | None
    repo: Sequence[str]
    permission: Sequence[str]

    def wishes(self, connectors: Sequence[str]) -> dict[Place, Wanted]:
        places = distinct([Place.read(one) for one in connectors])
        names = [place.connector for place in places]
        alone = len(places) == 1
        return {place: self._wish(place.connector, names, sugared=alone or sugar.knows(place.connector)) for place in places}

    def _wish(self, name: str, names: Sequence[str], *, sugared: bool) -> Wanted:
        scope, detail = addressed(self.scope, name, names), addressed(self.detail, name, names)
        return wanted(name, scope, detail, self.lifetime, self.repo if sugared else (), self.permission if sugared else ())


def addressed(texts: Sequence[str], connector: str, names: Sequence[str]) -> list[str]:
    """Those for this connector, and those for nobody in particular."""
    pairs = [(text, *text.partition("=")[::2]) for text in texts]
    return [rest if name == connector else text for text, name, rest in pairs if name == connector or name not in names]


def distinct(places: list[Place]) -> list[Place]:
    taken: set[str] = set()
    for place in places:
        key = place.variable or place.connector.partition("/")[0]
        if key in taken:
            raise typer.BadParameter(f"two would be in the same variable; give one its own: -c NAME={place.connector}", param_hint="--connector")
        taken.add(key)
    return places
